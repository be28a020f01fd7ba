//! `tidings copy`: from a data folder to PostgreSQL, whole, and again after a cut.

use serde_json::Value;
use tidings_store::sqlx::{self, Connection as _, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};
use tidings_testkit::{Bucket, Installation, Process, fresh_database, wait_until};

use super::data_set::{bytes, change, fill};
use crate::{
    data_folder::{fail, installed, run},
    log::{agora_send, assert_gap_free, demo_history},
};

/// Some thousand messages.
const MESSAGES: usize = 3000;

fn copy_words<'a>(installation: &'a Installation, url: &'a str) -> [&'a str; 5] {
    ["copy", "--from", installation.data().to_str().unwrap(), "--to", url]
}

/// The last number that the directory gave to a change, in the file and in the database.
async fn last_changes(installation: &Installation, url: &str) -> (i64, i64) {
    let file = SqliteConnectOptions::new().filename(installation.data().join("directory.sqlite"));
    let mut file = SqliteConnection::connect_with(&file).await.unwrap();
    let there = "select seq from sqlite_sequence where name = 'change'";
    let there = sqlx::query_scalar(there).fetch_one(&mut file).await.unwrap();
    file.close().await.unwrap();
    let mut server = PgConnection::connect(url).await.unwrap();
    let here = "select last_value from tidings_directory.change_change_id_seq";
    let here = sqlx::query_scalar(here).fetch_one(&mut server).await.unwrap();
    server.close().await.unwrap();
    (there, here)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_moved_as_it_is_also_after_a_cut() {
    let mut installation = installed().await;
    let data_set = fill(&installation, MESSAGES).await;
    let history = demo_history(&installation, "ann", "bob").await;
    let unread = installation.lanying().logged_in("cleo").await.unread().await;
    let url = fresh_database().await;
    let refused = fail(&installation, &copy_words(&installation, &url));
    assert!(refused.contains("in use by another tidings process"), "{refused}");
    installation.stop().await;

    // Cut once some of the tables are copied.
    let data = installation.data().display().to_string();
    let words = ["copy", "--from", &data, "--to", &url, "--data", &data].map(str::to_owned);
    let process = Process::start(&words, &[]);
    wait_until("the copy to be under way", async || process.printed().contains("conversation.")).await;
    process.kill();
    installation.set("TIDINGS_DATABASE_URL", &url);
    let told = installation.command_with_input(&["copy", "--from", &data, "--to-file", "-"], &format!("{url}\n"));
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains(": 0 findings"), "{told}");
    let refused = fail(&installation, &copy_words(&installation, &url));
    assert!(refused.contains("already has apps"), "{refused}");

    let (last, goes_on_after) = last_changes(&installation, &url).await;
    assert!(last > 0 && goes_on_after == last, "{last} {goes_on_after}");

    installation.start().await;
    let agora = installation.agora().await;
    let copied = demo_history(&installation, "ann", "bob").await;
    assert!(copied == history, "{} messages instead of {}", copied.len(), history.len());
    assert_eq!(installation.lanying().logged_in("cleo").await.unread().await, unread);
    assert_eq!(bytes(&agora, &data_set.file).await, "a file");
    let first = agora_send(&agora, "key-0", "ann", "bob", "message key 0").send().await.unwrap();
    let answer: Value = first.json().await.unwrap();
    let id = answer["data"]["bob"].as_str().unwrap().parse::<i64>().unwrap();
    assert!(history.iter().any(|message| message.msg_id == id), "the key is known: {answer}");
    agora.send_text("ann", "bob", "goes on").await;
    assert_gap_free(&demo_history(&installation, "ann", "bob").await);
    let lanying = installation.lanying();
    assert!(lanying.register("dora").await > 0, "numbers of users go on");
    assert!(lanying.acting_as(data_set.ann).send_to_group(data_set.group, "goes on").await > 0);
    installation.stop().await;
    assert!(run(&installation, &["verify"]).ends_with(": 0 findings\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_go_into_a_bucket() {
    let mut installation = installed().await;
    let data_set = fill(&installation, 10).await;
    installation.stop().await;
    let url = fresh_database().await;
    for (name, value) in Bucket::shared().settings() {
        installation.set(&name, &value);
    }
    // Without --to it is the database of the configuration, whose password nobody sees.
    let data = installation.data().display().to_string();
    let words = ["copy", "--from", &data];
    assert!(fail(&installation, &words).contains("--to is required, or --to-file, unless the configuration names"));
    installation.set("TIDINGS_DATABASE_URL", &url);
    let told = run(&installation, &words);
    assert!(told.contains("1 files\t6 bytes") && told.contains(": 0 findings"), "{told}");
    std::fs::remove_dir_all(installation.data().join("files")).unwrap();
    installation.start().await;
    assert_eq!(bytes(&installation.agora().await, &data_set.file).await, "a file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_changed_after_the_cut_is_noticed_and_an_unfinished_copy_is_not_served() {
    let mut installation = installed().await;
    fill(&installation, 2000).await;
    installation.stop().await;
    let url = fresh_database().await;
    let data = installation.data().to_str().unwrap().to_owned();
    let words = ["copy", "--from", &data, "--to", &url, "--data", &data].map(str::to_owned);
    let process = Process::start(&words, &[]);
    wait_until("the copy to be under way", async || process.printed().contains("conversation.cursor")).await;
    process.kill();
    change(installation.data(), "conversation", "update cursor set read_at = read_at + 1").await;

    let mut served = Installation::at(installation.data());
    served.set("TIDINGS_DATABASE_URL", &url);
    let refused = fail(&served, &["serve", "--listen", "127.0.0.1:0", "--grpc-listen", "127.0.0.1:0"]);
    assert!(refused.contains("holds an incomplete copy"), "{refused}");
    let refused = fail(&installation, &copy_words(&installation, &url));
    assert!(refused.contains("the copy differs in table cursor of conversation"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_in_use_and_a_key_that_is_not_the_sources_are_refused_before_anything_is_written() {
    let mut installation = installed().await;
    fill(&installation, 10).await;
    installation.stop().await;
    let url = fresh_database().await;
    let data = installation.data().to_str().unwrap().to_owned();
    let mut keyed = Installation::at(installation.data());
    keyed.set("TIDINGS_DATA_KEY", &"0".repeat(64));
    let refused = fail(&keyed, &["copy", "--from", &data, "--to", &url]);
    assert!(refused.contains("data_key is not the one of this database"), "{refused}");
    let mut server = PgConnection::connect(&url).await.unwrap();
    let made = "select count(*) from information_schema.schemata where schema_name like 'tidings%'";
    let made: i64 = sqlx::query_scalar(made).fetch_one(&mut server).await.unwrap();
    server.close().await.unwrap();
    assert_eq!(made, 0, "nothing was written");

    let folder = tempfile::tempdir().unwrap();
    let mut other = Installation::at(folder.path());
    other.set("TIDINGS_DATABASE_URL", &url);
    other.start().await;
    let refused = fail(&installation, &copy_words(&installation, &url));
    assert!(refused.contains("--to is in use by a running tidings"), "{refused}");
}
