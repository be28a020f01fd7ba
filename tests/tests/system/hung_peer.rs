//! A hanging process costs its callers a moment, and others nothing.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tidings_store::sqlx::{self, Connection as _, PgConnection};
use tidings_testkit::{Suite, TestApp, fresh_database, wait_until};

use crate::log::{assert_gap_free, direct, history, register, text, text_of};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_need_a_hung_peer_are_refused_soon_and_go_on_when_it_does() {
    let app = TestApp::of(Arc::new(Suite::split(1).await)).await;
    let agora = app.agora();
    agora.register(&["ann", "bob"]).await;
    agora.send_text("ann", "bob", "before").await;
    // Hanging calls would take the 30 seconds of their deadline.
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
    // Calls that need another peer are served.
    assert_eq!(agora.get("/users/ann").await.status, 200);
    app.suite.signal("message", 0, "CONT");
    wait_until("sends to go on", async || send().await.status() == 200).await;
}

/// It stops while holding the locks of the conversation: another session's lock on the table delays its transaction
/// until it is stopped. PostgreSQL releases the locks, so the other message service waits for a moment and sends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_service_that_hangs_in_a_transaction_does_not_keep_its_locks() {
    const WAITING: &str = "
        select count(*) from pg_locks where not granted and relation = 'tidings_message.message'::regclass";
    let database = fresh_database().await;
    let suite = Arc::new(Suite::split_with(2, &[("TIDINGS_DATABASE_URL", &database)]).await);
    let app = TestApp::of(Arc::clone(&suite)).await;
    let ids = register(&app, &["ann", "bob"]).await;
    let mut admin = PgConnection::connect(&database).await.unwrap();
    let mut watch = PgConnection::connect(&database).await.unwrap();
    let send = async |copy: usize, words: &str| {
        let request = app.request(text(ids[0], &[ids[1]], words));
        suite.messages_of(copy).send(request).await
    };
    send(0, "first").await.unwrap();

    let mut lock = admin.begin().await.unwrap();
    sqlx::query("lock table tidings_message.message in share mode").execute(&mut *lock).await.unwrap();
    let others = async {
        wait_until("the transaction to wait", async || {
            let (waiting,): (i64,) = sqlx::query_as(WAITING).fetch_one(&mut watch).await.unwrap();
            waiting > 0
        })
        .await;
        suite.signal("message", 0, "STOP");
        lock.rollback().await.unwrap();
        let sent = send(1, "other").await;
        suite.signal("message", 0, "CONT");
        sent
    };
    let (hung, other) = tokio::join!(send(0, "hung"), others);
    other.expect("the other service sends");
    let stored = history(&app, direct(ids[0], ids[1])).await;
    assert_gap_free(&stored);
    let mut texts: Vec<&str> = stored.iter().map(text_of).collect();
    texts.sort_unstable();
    let expected = if hung.is_ok() { vec!["first", "hung", "other"] } else { vec!["first", "other"] };
    assert_eq!(texts, expected);
}
