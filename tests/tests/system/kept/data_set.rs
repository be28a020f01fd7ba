//! A data set with everything: direct conversations, a group, reads, a recall, keys and files.

use std::{fs, path::Path};

use futures_util::{StreamExt as _, stream};
use reqwest::Method;
use serde_json::{Value, json};
use tidings_store::{
    Db, Location, Schema, on_tx, open,
    sqlx::{self, AssertSqlSafe, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions},
};
use tidings_testkit::{Agora, Installation};

use crate::log::send_until_acknowledged;

/// What the data set has.
pub struct DataSet {
    pub ann: i64,
    pub group: i64,
    /// The uuid of a file that a message brings.
    pub file: String,
    /// A message that was read, and that brings the file.
    pub read: i64,
}

/// Concurrent sends.
const AT_ONCE: usize = 50;

/// Fills the demo app; `messages` of ann to bob have keys.
pub async fn fill(installation: &Installation, messages: usize) -> DataSet {
    let (agora, lanying) = (installation.agora().await, installation.lanying());
    let mut ids = Vec::new();
    for name in ["ann", "bob", "cleo"] {
        ids.push(lanying.register(name).await);
    }
    send_many(&agora, "key", messages).await;
    let group = lanying.acting_as(ids[0]).create_group("all", &ids[1..]).await;
    for n in 0..5 {
        lanying.acting_as(ids[n % 3]).send_to_group(group, &format!("to all {n}")).await;
    }
    let file = upload(&agora, "a file").await;
    let path = format!("/chatfiles/{file}");
    let body = json!({"from": "ann", "to": ["cleo"], "type": "file",
        "body": {"filename": "a.txt", "url": format!("{}{path}", agora.base), "secret": ""}});
    let sent = agora.post("/messages/users", &body).await.expect(200);
    let read: i64 = sent["data"]["cleo"].as_str().unwrap().parse().unwrap();
    for n in 0..3 {
        agora.send_text("cleo", "ann", &format!("answer {n}")).await;
    }
    let recalled = agora.send_text("cleo", "ann", "a mistake").await;
    let body = json!({"msg_id": recalled, "to": "ann", "chat_type": "chat", "force": true});
    agora.post("/messages/msg_recall", &body).await.expect(200);
    // Cleo has read what ann sent so far, ann nothing.
    lanying.logged_in("cleo").await.get(&format!("/message/ack?conversation_id={}", ids[0])).await.expect(200);
    for n in 0..2 {
        agora.send_text("ann", "cleo", &format!("not read {n}")).await;
    }
    DataSet { ann: ids[0], group, file, read }
}

/// Sends from ann to bob, each with a key of its own.
pub async fn send_many(agora: &Agora, key: &str, count: usize) {
    let send = |n| async move {
        send_until_acknowledged(agora, &format!("{key}-{n}"), "ann", "bob", &format!("message {key} {n}")).await;
    };
    stream::iter(0..count).for_each_concurrent(AT_ONCE, send).await;
}

/// The uuid of a new file.
pub async fn upload(agora: &Agora, content: &str) -> String {
    let form =
        format!("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n{content}\r\n--b--\r\n");
    let request = agora.request(Method::POST, "/chatfiles").header("content-type", "multipart/form-data; boundary=b");
    let answer: Value = request.body(form).send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
    answer["entities"][0]["uuid"].as_str().unwrap().to_owned()
}

/// The bytes of a file.
pub async fn bytes(agora: &Agora, uuid: &str) -> String {
    let response = agora.request(Method::GET, &format!("/chatfiles/{uuid}")).send().await.unwrap();
    response.error_for_status().unwrap().text().await.unwrap()
}

/// Changes rows of a database of a data folder that nobody serves.
pub async fn change(data: &Path, service: &'static str, statement: &str) {
    let schema = Schema { name: service, sqlite: &[], postgres: &[] };
    let db: Db = open(&Location::Folder(data.to_owned()), &schema, false).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let statement = AssertSqlSafe(statement.to_owned());
    let changed =
        on_tx!(&mut tx, |c| sqlx::query(statement).execute(c).await.map(|done| done.rows_affected())).unwrap();
    tx.commit().await.unwrap();
    db.close().await;
    assert!(changed > 0, "nothing was changed");
}

/// The names in a table of the schema, one in each row.
async fn names(connection: &mut SqliteConnection, statement: String) -> Vec<String> {
    let rows: Vec<(String,)> = sqlx::query_as(AssertSqlSafe(statement)).fetch_all(connection).await.unwrap();
    rows.into_iter().map(|(name,)| name).collect()
}

/// Makes a database what the version before the service's newest migration would have written: its tables, with the rows of now
/// in the columns that there were. Returns the number of migrations that are left.
pub async fn take_back_newest_migration(data: &Path, service: &'static str) -> usize {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../services/{service}/migrations/sqlite"));
    let mut files: Vec<_> = fs::read_dir(migrations).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.pop();
    let steps: Vec<&'static str> = files.iter().map(|file| &*fs::read_to_string(file).unwrap().leak()).collect();
    let (left, folder) = (steps.len(), tempfile::tempdir().unwrap());
    let schema = Schema { name: service, sqlite: steps.leak(), postgres: &[] };
    open(&Location::Folder(folder.path().to_owned()), &schema, true).await.unwrap().close().await;

    let (older, newer) = (folder.path().join(format!("{service}.sqlite")), data.join(format!("{service}.sqlite")));
    let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&older)).await.unwrap();
    let attach = sqlx::query("attach database $1 as newer").bind(newer.to_str().unwrap());
    attach.execute(&mut connection).await.unwrap();
    let tables = "select name from main.sqlite_schema where type = 'table' and name not like 'sqlite_%' and name not like '_sqlx_%'";
    for table in names(&mut connection, tables.to_owned()).await {
        let columns =
            names(&mut connection, format!("select name from pragma_table_info('{table}', 'main')")).await.join(", ");
        let empty = format!("delete from main.{table}");
        sqlx::query(AssertSqlSafe(empty)).execute(&mut connection).await.unwrap();
        let copy = format!("insert into main.{table} ({columns}) select {columns} from newer.{table}");
        sqlx::query(AssertSqlSafe(copy)).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    fs::copy(older, newer).unwrap();
    left
}
