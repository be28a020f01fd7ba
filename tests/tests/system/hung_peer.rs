//! A process that hangs costs callers a moment, and others nothing.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tidings_testkit::{Suite, TestApp, wait_until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_need_a_hung_peer_are_refused_soon_and_go_on_when_it_does() {
    let app = TestApp::of(Arc::new(Suite::split(1).await)).await;
    let agora = app.agora();
    agora.register(&["ann", "bob"]).await;
    agora.send_text("ann", "bob", "before").await;
    // Calls that hang would take the 30 seconds of their deadline.
    let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
    let send = async || {
        let message = json!({"from": "ann", "to": ["bob"], "type": "txt", "body": {"msg": "hi"}});
        let request = http.post(format!("{}/messages/users", agora.base)).bearer_auth(&agora.token).json(&message);
        request.send().await.expect("an answer in time")
    };
    app.suite.signal("message", 0, "STOP");
    for refused in futures_util::future::join_all((0..50).map(|_| send())).await {
        assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "1"));
    }
    // What needs another peer is served.
    assert_eq!(agora.get("/users/ann").await.status, 200);
    app.suite.signal("message", 0, "CONT");
    wait_until("sends to go on", async || send().await.status() == 200).await;
}
