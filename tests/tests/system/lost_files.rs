//! Keys and files that do not match: nothing starts on them, and nothing is created in place of what is missing.

use std::{
    fs,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use reqwest::Method;
use tidings_store::sqlx::{self, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tidings_testkit::{Installation, Reply, fresh_database, wait_until};

use crate::{
    log::{agora_send, demo_history, text_of},
    start::{assert_says, complaint, role, run},
};

/// An installation that was used and has ended.
pub async fn used() -> Installation {
    let mut installation = Installation::default();
    installation.start().await;
    let agora = installation.agora().await;
    assert_eq!(Reply::to(agora_send(&agora, "1", "ann", "bob", "kept")).await.status, 200);
    assert_eq!(installation.stop().await, 0);
    installation
}

fn refusal(installation: &Installation) -> String {
    let data = installation.data().to_str().unwrap();
    complaint(installation.data().parent().unwrap(), &["serve", "--data", data], &[])
}

fn doctor(installation: &Installation) -> (bool, String) {
    let data = installation.data().to_str().unwrap();
    let words = ["doctor", "--data", data, "--listen", "127.0.0.1:0", "--grpc-listen", "127.0.0.1:0"];
    let done = run(installation.data().parent().unwrap(), &words, &[]);
    (done.status.success(), String::from_utf8(done.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_key_that_is_gone_or_another_ones_is_refused_and_none_is_made() {
    let mut installation = used().await;
    let key = installation.data().join("data.key");
    let right = fs::read_to_string(&key).unwrap();
    assert!(doctor(&installation).0, "{}", doctor(&installation).1);

    fs::write(&key, "5a".repeat(32)).unwrap();
    assert_says(&refusal(&installation), &["data_key in ", "is not the one of this database", "from a backup"]);
    let (is_well, said) = doctor(&installation);
    assert!(!is_well);
    assert_says(&said, &["WRONG  directory secrets", "is not the one of this database"]);

    fs::remove_file(&key).unwrap();
    assert_says(&refusal(&installation), &["data_key is missing", "data.key is not there", "from a backup"]);
    assert!(!key.exists(), "a start that is refused makes no key");
    assert_says(&doctor(&installation).1, &["WRONG  directory secrets"]);
    assert!(!key.exists(), "doctor makes no key");

    fs::write(&key, right).unwrap();
    installation.start().await;
    assert_eq!(demo_history(&installation, "ann", "bob").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_on_a_server_refuse_the_data_key_of_another_installation() {
    let folder = tempfile::tempdir().unwrap();
    let url = fresh_database().await;
    let mut first = Installation::default().with("TIDINGS_DATABASE_URL", &url);
    first.start().await;
    assert_eq!(first.stop().await, 0);
    let peer = "http://127.0.0.1:1";
    let peers = ["DIRECTORY", "MESSAGE", "CONVERSATION"].map(|name| format!("TIDINGS_PEERS_{name}"));
    let peers: Vec<(&str, &str)> = peers.iter().map(|name| (name.as_str(), peer)).collect();
    let said = complaint(folder.path(), &["directory"], &role(&url, &[]));
    assert_says(&said, &["data_key is not the one of this database"]);
    // It has no secrets yet, so any key is valid.
    let callback = run(folder.path(), &["doctor"], &role(&url, &peers));
    assert_says(&String::from_utf8(callback.stdout).unwrap(), &["WRONG  directory secrets", "ok     callback secrets"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_file_that_is_gone_is_not_replaced_by_an_empty_one() {
    for name in ["message", "directory", "conversation", "file", "callback"] {
        let mut installation = used().await;
        let file = installation.data().join(format!("{name}.sqlite"));
        let aside = installation.data().join("aside");
        fs::rename(&file, &aside).unwrap();
        for is_empty in [false, true] {
            if is_empty {
                fs::write(&file, "").unwrap();
            }
            let said = refusal(&installation);
            assert_says(&said, &[&format!("{name}.sqlite was made by an earlier start and is gone"), "backup"]);
            assert_eq!(file.exists(), is_empty, "nothing is made in its place");
        }
        fs::rename(&aside, &file).unwrap();
        installation.start().await;
        assert_eq!(text_of(&demo_history(&installation, "ann", "bob").await[0]), "kept");
        assert_eq!(installation.stop().await, 0);
    }
}

/// Overwrites a page in the middle of the file.
fn damage(file: &Path) {
    let mut file = fs::File::options().read(true).write(true).open(file).unwrap();
    let middle = file.metadata().unwrap().len() / 4096 * 2048;
    for page in (4096..middle * 2 - 2048).step_by(2048) {
        let mut head = [0; 1];
        file.seek(SeekFrom::Start(page)).unwrap();
        file.read_exact(&mut head).unwrap();
        // A leaf page of a table or an index.
        if [10, 13].contains(&head[0]) {
            file.seek(SeekFrom::Start(page)).unwrap();
            file.write_all(&[0xa5; 512]).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_names_a_damaged_file() {
    let installation = used().await;
    damage(&installation.data().join("message.sqlite"));
    let (is_well, said) = doctor(&installation);
    assert!(!is_well, "{said}");
    assert_says(&said, &["WRONG  message tables", "message.sqlite", "restore the file from a backup"]);
    assert_says(&said, &["ok     directory tables"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_meets_a_damaged_file_says_so_and_the_log_names_the_file() {
    let mut installation = used().await;
    damage_messages(&installation).await;
    installation.start().await;
    let agora = installation.agora().await;
    let history = agora.request(Method::GET, "/tidings/users/ann/messages?type=chat&channel=bob");
    let refused = Reply::to(history).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.headers["x-tidings-reason"].to_str().unwrap()),
        (500, &"DATA_DAMAGED")
    );
    assert!(refused.text.contains("the server's stored data is damaged"), "{}", refused.text);
    wait_until("the log to name the file", async || {
        let logged = installation.process().logged();
        logged.lines().any(|line| line.contains("ERROR") && line.contains("message.sqlite") && line.contains("damaged"))
    })
    .await;
    // Calls that do not use it continue to work.
    agora.register(&["carl"]).await;
}

/// Overwrites the root of the table of messages, so that none can be read.
pub async fn damage_messages(installation: &Installation) {
    let file = installation.data().join("message.sqlite");
    let mut messages = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&file)).await.unwrap();
    let root = "select rootpage from sqlite_schema where name = 'message'";
    let (page,): (i64,) = sqlx::query_as(root).fetch_one(&mut messages).await.unwrap();
    messages.close().await.unwrap();
    let mut opened = fs::File::options().write(true).open(&file).unwrap();
    opened.seek(SeekFrom::Start((page as u64 - 1) * 2048)).unwrap();
    opened.write_all(&[0xa5; 2048]).unwrap();
}
