//! Another program that keeps reading a SQLite file, such as a hanging backup.

use std::fs;

use serde_json::{Value, json};
use tidings_store::sqlx::{self, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tidings_testkit::{Installation, wait_until};

/// Receivers per call, as many as an app allows.
const RECEIVERS: usize = 600;
/// Calls within which the log must reach the size that is reported.
const MOST: usize = 400;
/// What is left of the log once it was restarted.
const KEPT: u64 = 128 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stays_fails_no_write_and_is_reported_and_the_log_shrinks_when_it_is_gone() {
    let mut installation = Installation::default();
    installation.start().await;
    let agora = installation.agora().await;
    let names: Vec<String> = (0..RECEIVERS).map(|n| format!("to{n}")).collect();
    for some in names.chunks(60) {
        agora.register(&some.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    let text = "x".repeat(4000);
    let message = json!({"from": "ann", "to": names, "type": "txt", "body": {"msg": text}});
    let send = async || {
        let answer: Value = agora.post("/messages/users", &message).await.expect(200);
        assert_eq!(answer["data"].as_object().unwrap().len(), RECEIVERS);
    };
    let file = installation.data().join("message.sqlite");
    let log = installation.data().join("message.sqlite-wal");
    let mut reader = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&file)).await.unwrap();
    let mut reading = reader.begin().await.unwrap();
    sqlx::query("select count(*) from message").fetch_one(&mut *reading).await.unwrap();
    let is_reported = || installation.process().logged().contains("the write-ahead log keeps growing");
    let mut sent = 0;
    while !is_reported() {
        send().await;
        sent += 1;
        assert!(sent < MOST, "{} bytes, and nobody says so", fs::metadata(&log).unwrap().len());
    }
    let size = || fs::metadata(&log).unwrap().len();
    assert!(size() > KEPT);
    reading.rollback().await.unwrap();
    reader.close().await.unwrap();
    // A log is restarted by the next write.
    wait_until("the log to shrink", async || {
        agora.send_text("ann", "bob", "one more").await;
        size() <= KEPT
    })
    .await;
}
