//! `tidings verify` finds each kind of damage, and nothing where there is none.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tidings_store::sqlx::{self, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tidings_testkit::{Installation, files_under, fresh_database};

use super::data_set::{change, fill, send_many};
use crate::data_folder::{installed, run};

/// The findings, as JSON, and the last line.
fn findings(installation: &Installation) -> (Vec<Value>, Value, Option<i32>) {
    let done = installation.command(&["verify", "--json"]);
    let text = String::from_utf8(done.stdout).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let end = lines.pop().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&done.stderr)));
    (lines, end, done.status.code())
}

fn kinds(found: &[Value]) -> BTreeSet<&str> {
    found.iter().map(|finding| finding["kind"].as_str().unwrap()).collect()
}

/// A copy of a data folder that nobody serves.
fn copied(from: &Path, to: &Path) -> PathBuf {
    let to = to.to_owned();
    fs::create_dir_all(&to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copied(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
    to
}

/// Flips a bit of a file.
fn flip(path: &Path, at: u64) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x40], at).unwrap();
}

/// The bytes of a table's first page begin here.
async fn root_of(file: &Path, table: &str) -> u64 {
    let mut connection =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file).read_only(true)).await.unwrap();
    let statement = "select rootpage, (select page_size from pragma_page_size) from sqlite_schema where name = $1";
    let (page, size): (i64, i64) = sqlx::query_as(statement).bind(table).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    ((page - 1) * size) as u64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sound_installation_has_no_findings_running_or_not_on_both_engines() {
    for url in [None, Some(fresh_database().await)] {
        let mut installation = Installation::default();
        if let Some(url) = &url {
            installation.set("TIDINGS_DATABASE_URL", url);
        }
        installation.start().await;
        fill(&installation, 300).await;
        let agora = installation.agora().await;
        // Beside the running program, while it sends.
        let sending = tokio::spawn(async move { send_many(&agora, "meanwhile", 500).await });
        let (found, end, code) = tokio::task::block_in_place(|| findings(&installation));
        sending.await.unwrap();
        assert_eq!((found.as_slice(), code), ([].as_slice(), Some(0)), "{end}");
        installation.stop().await;
        let (found, end, code) = findings(&installation);
        assert_eq!((found.as_slice(), code), ([].as_slice(), Some(0)), "{end}");
        let checked = &end["checked"];
        assert!(checked["messages"].as_i64().unwrap() >= 810 && checked["keys"].as_i64().unwrap() >= 800, "{end}");
        assert_eq!((&checked["files"], &end["findings"]), (&1.into(), &0.into()), "{end}");
        let words = run(&installation, &["verify", "--quick"]);
        assert!(words.starts_with("checked ") && words.trim_end().ends_with(": 0 findings"), "{words}");
    }
}

/// A statement for a service's tables, and the kinds of findings that it must lead to.
const DAMAGE: &[(&str, &str, &[&str])] = &[
    (
        "message",
        "delete from message where seq = 2 and conv_b > 0 and msg_id in (select min(msg_id) from message where seq = 2)",
        &["seq_gap", "event_gap", "count", "key"],
    ),
    ("message", "update conversation_head set seq = seq + 1 where conv_b = -1", &["seq_gap"]),
    ("message", "update conversation_head set last_msg_id = last_msg_id - 1 where conv_b = -1", &["head"]),
    ("message", "update conversation_head set ordinal = ordinal + 1 where conv_b = -1", &["count"]),
    ("message", "delete from conversation_head where conv_b = -1", &["head"]),
    ("message", "update message set ordinal = ordinal + 1 where seq = 2 and conv_b = -1", &["count"]),
    ("message", "update message set seq = 1 where seq = 2 and conv_b = -1", &["seq_twice", "seq_gap"]),
    ("message", "update message set body = substr(body, 2) where seq = 2 and conv_b = -1", &["body"]),
    (
        "message",
        "update message set body = replace(body, 'to all 1', 'to all 2') where seq = 2 and conv_b = -1",
        &["checksum"],
    ),
    ("message", "update message set lane = lane + 100 where seq = 2 and conv_b = -1", &["wrong_lane", "event_gap"]),
    ("message", "delete from event where kind = 'recalled'", &["event_gap"]),
    ("message", "delete from recalled", &["recalled"]),
    (
        "message",
        "insert into recalled (app_id, conv_a, conv_b, msg_id, sender_id) select app_id, conv_a, conv_b, msg_id, sender_id from message where msg_id = (select max(msg_id) from message)",
        &["recalled", "orphan", "unread"],
    ),
    ("message", "delete from participant where user_id = (select min(user_id) from participant)", &["participant"]),
    ("message", "update idempotency_key set reply = null where key = 'key:key-1'", &["key"]),
    ("message", "update file_use set msg_id = msg_id + 1", &["orphan"]),
    (
        "message",
        "insert into excluded (app_id, user_id, conv_a, conv_b, msg_id, counted) values (1, 16, 16, 32, 5, 1)",
        &["orphan"],
    ),
    ("file", "delete from file", &["object_orphan"]),
    ("file", "update file set size = size + 1", &["file_size"]),
    ("file", "update file set sha256 = replace(sha256, substr(sha256, 1, 1), 'x')", &["file_damaged"]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_damage_is_found_and_named() {
    let mut installation = installed().await;
    fill(&installation, 30).await;
    installation.stop().await;
    let folder = tempfile::tempdir().unwrap();
    for (n, (service, statement, expected)) in DAMAGE.iter().enumerate() {
        let damaged = Installation::at(&copied(installation.data(), &folder.path().join(n.to_string())));
        change(damaged.data(), service, statement).await;
        let (found, end, code) = findings(&damaged);
        assert_eq!(code, Some(1), "{statement}: {end}");
        let kinds = kinds(&found);
        assert!(expected.iter().all(|kind| kinds.contains(kind)), "{statement}: {found:#?}");
        assert!(found.iter().all(|finding| finding["app"] == "demo/demo"), "{statement}: {found:#?}");
        assert_eq!(end["findings"], found.len(), "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_and_flipped_bytes_are_found_and_named() {
    let mut installation = installed().await;
    fill(&installation, 30).await;
    installation.stop().await;
    let folder = tempfile::tempdir().unwrap();
    let damaged = |name: &str| Installation::at(&copied(installation.data(), &folder.path().join(name)));

    let lost = damaged("lost");
    fs::remove_file(&files_under(&lost.data().join("files"))[0]).unwrap();
    assert_eq!(kinds(&findings(&lost).0), BTreeSet::from(["file_missing"]));

    let flipped = damaged("flipped");
    let object = PathBuf::from(&files_under(&flipped.data().join("files"))[0]);
    flip(&object, 3);
    let (found, _, _) = findings(&flipped);
    assert_eq!(kinds(&found), BTreeSet::from(["file_damaged"]));
    let name = object.file_name().unwrap().to_str().unwrap();
    assert_eq!(found[0]["place"], format!("file {name}"));
    assert!(run(&flipped, &["verify", "--quick"]).ends_with("0 findings\n"), "sizes alone are right");

    let page = damaged("page");
    let file = page.data().join("message.sqlite");
    flip(&file, root_of(&file, "participant").await);
    let (found, _, code) = findings(&page);
    let place = format!("{} table participant", file.display());
    assert!(found.iter().any(|it| it["kind"] == "damage" && it["place"] == place.as_str()), "{found:#?}");
    assert_eq!(code, Some(1));

    let gone = damaged("gone");
    let file = gone.data().join("conversation.sqlite");
    fs::remove_file(&file).unwrap();
    let (found, _, _) = findings(&gone);
    assert_eq!((found[0]["kind"].as_str(), found[0]["place"].as_str()), (Some("damage"), file.to_str()));
    assert!(!file.exists(), "a check creates nothing");
}
