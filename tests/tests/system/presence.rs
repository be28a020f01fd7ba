//! Presence across gateways, and of gateways that die (docs/realtime.md).

use serde_json::{Value, json};
use tidings_testkit::{Agora, Installation, Socket, TestApp, wait_until};

use crate::order::doubled;

/// A user's device at a gateway.
async fn connect(app: &TestApp, gateway: usize, user: &str, device: &str) -> Socket {
    let token = app.agora().logged_in(user).await.token;
    Socket::open_device(&app.suite.urls()[gateway], app, &token, (device, "web")).await
}

/// Where the feed is now.
async fn now(agora: &Agora) -> String {
    agora.get("/tidings/events?after=now&wait=0").await.expect(200)["cursor"].as_str().unwrap().to_owned()
}

/// The first disconnects since then.
async fn disconnects(agora: &Agora, after: &str) -> Vec<Value> {
    let mut told = Vec::new();
    wait_until("the event", async || {
        let path = format!("/tidings/events?after={after}&kinds=user.offline&wait=0");
        told.clone_from(agora.get(&path).await.expect(200)["data"].as_array().unwrap());
        !told.is_empty()
    })
    .await;
    told
}

async fn until_status(agora: &Agora, user: &str, expected: &str) {
    wait_until(&format!("{user} to be {expected}"), async || {
        agora.get(&format!("/users/{user}/status")).await.expect(200)["data"][user] == expected
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_gateway_takes_its_sessions_offline_and_no_others() {
    let (app, [one, _]) = doubled().await;
    one.register(&["nora", "omar"]).await;
    let after = now(&one).await;
    let mut nora = connect(&app, 1, "nora", "page").await;
    let mut omar = connect(&app, 0, "omar", "page").await;
    until_status(&one, "nora", "online").await;
    until_status(&one, "omar", "online").await;
    app.suite.crash("gateway", 1).await;
    assert_eq!(nora.closed().await, 1006);
    until_status(&one, "nora", "offline").await;
    assert_eq!(one.get("/users/omar/status").await.expect(200)["data"], json!({"omar": "online"}));
    let told = disconnects(&one, &after).await;
    let change = json!({"user": "nora", "resource": "page", "platform": "web", "how": "timed_out"});
    assert_eq!((told.len(), &told[0]["change"]), (1, &change));
    // Who was at another gateway did not notice.
    omar.send(&json!({"type": "ping"})).await;
    omar.next_of("pong").await;
    // The gateway that is back reports those who come back.
    let _back = connect(&app, 1, "nora", "page").await;
    until_status(&one, "nora", "online").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_stops_closes_its_connections_and_reports_it() {
    let (app, [one, _]) = doubled().await;
    one.register(&["nora"]).await;
    let after = now(&one).await;
    let mut nora = connect(&app, 1, "nora", "page").await;
    until_status(&one, "nora", "online").await;
    let closed = tokio::spawn(async move { nora.closed().await });
    app.suite.restart("gateway", 1).await;
    assert_eq!(closed.await.expect("a close code"), 1012);
    // Before the process ended, and not when its lease was over.
    assert_eq!(one.get("/users/nora/status").await.expect(200)["data"], json!({"nora": "offline"}));
    let told = disconnects(&one, &after).await;
    assert_eq!((told.len(), &told[0]["change"]["how"]), (1, &json!("closed")));
    let logged = app.suite.logged();
    assert!(!logged.contains("ERROR"), "{logged}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_that_stops_writes_down_who_was_disconnected_before_it_closes_its_databases() {
    let mut installation = Installation::default();
    installation.start().await;
    let agora = installation.agora().await;
    agora.register(&["nora"]).await;
    let after = now(&agora).await;
    let mut nora = Socket::connect(&installation.url()).await;
    let token = agora.logged_in("nora").await.token;
    nora.send(&json!({"type": "auth", "app": "demo#demo", "token": token, "device": "page"})).await;
    nora.next_of("ready").await;
    // It has not said who it is, and never will.
    let mut silent = Socket::connect(&installation.url()).await;
    let closed = tokio::spawn(async move { (nora.closed().await, silent.closed().await) });
    let (code, logged) = installation.stop_and_read().await;
    assert_eq!((code, closed.await.expect("close codes")), (0, (1012, 1012)), "{logged}");
    assert!(!logged.contains("ERROR") && !logged.contains("in time"), "{logged}");
    installation.start().await;
    let told = disconnects(&agora, &after).await;
    assert_eq!((told.len(), &told[0]["change"]["how"]), (1, &json!("closed")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_of_one_gateway_are_disconnected_through_the_other_and_receipts_cross() {
    let (app, [one, other]) = doubled().await;
    one.register(&["nora", "omar"]).await;
    let mut nora = connect(&app, 0, "nora", "page").await;
    let mut omar = connect(&app, 1, "omar", "page").await;
    for agora in [&one, &other] {
        until_status(agora, "nora", "online").await;
        until_status(agora, "omar", "online").await;
    }
    let id = one.send_text("nora", "omar", "hi").await;
    assert_eq!(omar.event("message.sent").await["msg_id"], json!(id));
    omar.send(&json!({"type": "delivered", "id": "1", "msg_id": id})).await;
    assert_eq!(nora.event("conversation.delivered").await["msg_id"], json!(id));
    other.get("/users/nora/disconnect").await.expect(200);
    assert_eq!(nora.closed().await, 4403);
    one.delete("/users/omar/disconnect/page").await.expect(200);
    assert_eq!(omar.closed().await, 4403);
    for agora in [&one, &other] {
        until_status(agora, "nora", "offline").await;
        until_status(agora, "omar", "offline").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_online_again_after_their_lease_lapsed_while_they_went_on() {
    let (app, [one, _]) = doubled().await;
    one.register(&["nora"]).await;
    let mut nora = connect(&app, 1, "nora", "page").await;
    until_status(&one, "nora", "online").await;
    app.suite.signal("gateway", 1, "STOP");
    until_status(&one, "nora", "offline").await;
    app.suite.signal("gateway", 1, "CONT");
    until_status(&one, "nora", "online").await;
    nora.send(&json!({"type": "ping"})).await;
    nora.next_of("pong").await;
}
