//! A letter that has changed in the database by itself is named and not served.

use std::fs;

use reqwest::Method;
use serde_json::json;
use tidings_store::sqlx::{self, Connection as _, PgConnection};
use tidings_testkit::{Agora, Installation, Reply, fresh_database, wait_until};

use crate::data_folder::run;

const WRITTEN: &str = "{\"text\":\"the price is 17\"}";
const FLIPPED: &str = "{\"text\":\"the price is 77\"}";

/// Changes the text where it is stored; nobody serves the installation.
async fn flip(installation: &Installation, database: Option<&str>) {
    if let Some(database) = database {
        let mut postgres = PgConnection::connect(database).await.unwrap();
        let update = "update tidings_message.message set body = $2 where body = $1";
        let done = sqlx::query(update).bind(WRITTEN).bind(FLIPPED).execute(&mut postgres).await.unwrap();
        assert_eq!(done.rows_affected(), 1);
        return;
    }
    let file = installation.data().join("message.sqlite");
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.windows(WRITTEN.len()).position(|window| window == WRITTEN.as_bytes()).expect("the text is there");
    bytes[at..at + FLIPPED.len()].copy_from_slice(FLIPPED.as_bytes());
    fs::write(&file, bytes).unwrap();
}

fn assert_refused(reply: &Reply) {
    assert!(!reply.text.contains("the price is 77"), "{}", reply.text);
    assert_eq!(reply.headers["x-tidings-reason"].to_str().unwrap(), "DATA_DAMAGED", "{} {}", reply.status, reply.text);
}

/// All events, up to a refusal or to the end, and the last answer.
async fn feed(agora: &Agora) -> (String, Reply) {
    let (mut events, mut after) = (String::new(), "0:0".to_owned());
    loop {
        let reply = agora.get(&format!("/tidings/events?after={after}&wait=0")).await;
        if reply.status != 200 {
            return (events, reply);
        }
        let answer = reply.json();
        events += &answer["data"].to_string();
        if answer["data"] == json!([]) {
            return (events, reply);
        }
        answer["cursor"].as_str().unwrap().clone_into(&mut after);
    }
}

async fn a_flipped_letter_is_refused_and_named(database: Option<String>) {
    let mut installation = Installation::default();
    if let Some(database) = &database {
        installation.set("TIDINGS_DATABASE_URL", database);
    }
    installation.start().await;
    let agora = installation.agora().await;
    let ann = installation.lanying().register("ann").await;
    agora.register(&["bob", "cleo"]).await;
    let msg_id = agora.send_text("ann", "bob", "the price is 17").await;
    agora.send_text("ann", "cleo", "the same to you").await;
    assert_eq!(installation.stop().await, 0);
    flip(&installation, database.as_deref()).await;
    installation.start().await;

    let get = async |path: &str| Reply::to(agora.request(Method::GET, path)).await;
    let history = "/tidings/users/bob/messages?type=chat&channel=ann";
    let refused = get(history).await;
    assert_eq!(refused.status, 500);
    assert_refused(&refused);
    assert!(refused.text.contains("the server's stored data is damaged"), "{}", refused.text);
    assert_refused(&get("/users/bob/user_channels").await);
    let (events, end) = feed(&agora).await;
    assert!(!events.contains("the price"), "{events}");
    assert_refused(&end);
    let bob = installation.lanying().logged_in("bob").await;
    assert_refused(&bob.get(&format!("/message/conversation?opposite_id={ann}&msg_id_start=0&limit=20")).await);
    wait_until("the log to name the message", async || {
        let logged = installation.process().logged();
        logged.lines().any(|line| line.contains("ERROR") && line.contains("damaged") && line.contains(&msg_id))
    })
    .await;
    let found = installation.command(&["verify"]);
    let found = (found.status.code(), String::from_utf8(found.stdout).unwrap());
    let named = format!("message {msg_id} has other content than was written");
    assert!(found.0 == Some(1) && found.1.contains("checksum") && found.1.contains(&named), "{found:?}");

    // Everything else goes on, and so do sends there.
    agora.send_text("bob", "ann", "is it?").await;
    get("/tidings/users/cleo/messages?type=chat&channel=ann").await.expect(200);
    run(&installation, &["message", "recall", "--app", "demo/demo", "--msg-id", &msg_id, "--yes"]);
    let answer = get(history).await.expect(200);
    assert!(answer.to_string().contains("is it?") && !answer.to_string().contains("the price"), "{answer}");
    get("/users/bob/user_channels").await.expect(200);
    let (events, end) = feed(&agora).await;
    assert_eq!(end.status, 200, "{}", end.text);
    assert!(
        events.contains("message.recalled") && events.contains("is it?") && !events.contains("the price"),
        "{events}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_letter_in_a_stored_text_is_refused_and_named_on_sqlite() {
    a_flipped_letter_is_refused_and_named(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_letter_in_a_stored_text_is_refused_and_named_on_postgres() {
    a_flipped_letter_is_refused_and_named(Some(fresh_database().await)).await;
}
