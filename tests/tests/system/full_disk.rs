//! A full disk stops writes with a clear error and loses nothing (docs/operate.md, what is durable).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;
use tidings_testkit::{Agora, Installation, Reply};

use crate::log::{agora_send, assert_gap_free, demo_history, text_of};

/// A small file system, unmounted when it is dropped.
struct SmallDisk {
    path: PathBuf,
    _folder: TempDir,
}

impl SmallDisk {
    /// Mounting requires root; other users get an error and cannot run these tests.
    #[expect(clippy::print_stderr, reason = "whoever runs the tests should know what was not run")]
    fn mount(size: &str) -> Option<Self> {
        let id = Command::new("id").arg("-u").output().unwrap();
        if id.stdout != b"0\n" {
            eprintln!("NOT RUN: the full-disk test mounts a small file system, which takes root");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], &path);
        Some(Self { path, _folder: folder })
    }

    fn grow(&self, size: &str) {
        mount(&["-o", &format!("remount,size={size}")], &self.path);
    }
}

fn mount(words: &[&str], path: &Path) {
    let done = Command::new("mount").args(words).arg(path).output().unwrap();
    assert!(done.status.success(), "mount {words:?}: {}", String::from_utf8_lossy(&done.stderr));
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}

/// Sends until the disk is full, and no message fits any more: one needs a page more or less than another. Returns the
/// refusal.
async fn fill(agora: &Agora, acknowledged: &mut BTreeMap<String, i64>) -> Reply {
    let filler = "x".repeat(4_000);
    let mut refused = 0;
    for n in 0.. {
        let text = format!("{n} {filler}");
        let reply = Reply::to(agora_send(agora, &n.to_string(), "ann", "bob", &text)).await;
        if reply.status.as_u16() != 200 {
            refused += 1;
            if refused == 50 {
                return reply;
            }
            continue;
        }
        refused = 0;
        acknowledged.insert(text, id_of(&reply.json()));
        assert!(acknowledged.len() < 50_000, "the disk does not fill");
    }
    unreachable!("the numbers do not end")
}

fn id_of(answer: &Value) -> i64 {
    answer["data"]["bob"].as_str().unwrap().parse().unwrap()
}

async fn assert_stored(installation: &Installation, acknowledged: &BTreeMap<String, i64>) {
    let messages = demo_history(installation, "ann", "bob").await;
    assert_gap_free(&messages);
    let stored: BTreeMap<_, _> = messages.iter().map(|it| (text_of(it).to_owned(), it.msg_id)).collect();
    assert!(stored == *acknowledged, "{} stored, {} acknowledged", stored.len(), acknowledged.len());
}

/// Any writes, many at once: what does not fit is refused with the same error.
async fn assert_no_write_is_a_fault(agora: &Agora, acknowledged: &mut BTreeMap<String, i64>) {
    let writes = (0..64).map(|n| async move {
        let padded = format!("full {n} {}", "x".repeat(4_000));
        let upload = agora.request(reqwest::Method::POST, "/chatfiles");
        let part = reqwest::multipart::Part::bytes(vec![7; 200_000]).file_name("a.bin");
        let upload = upload.multipart(reqwest::multipart::Form::new().part("file", part));
        let message = agora_send(agora, &format!("full-{n}"), "ann", "bob", &padded);
        let group =
            serde_json::json!({"groupname": "g", "description": "d".repeat(400), "public": true, "owner": "ann"});
        let user = serde_json::json!([{"username": format!("user{n}"), "password": "secret"}]);
        let sent = Reply::to(message).await;
        let others =
            [Reply::to(upload).await, agora.post("/chatgroups", &group).await, agora.post("/users", &user).await];
        (padded, sent, others)
    });
    let mut replies = Vec::new();
    for (text, sent, others) in futures_util::future::join_all(writes).await {
        if sent.status == 200 {
            acknowledged.insert(text, id_of(&sent.json()));
        }
        replies.push(sent);
        replies.extend(others);
    }
    for reply in &replies {
        assert!([200, 503].contains(&reply.status.as_u16()), "{} {}", reply.status, reply.text);
    }
    assert!(replies.iter().any(|reply| reply.status == 503), "there is room");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_sends_keeps_what_was_acknowledged_and_recovers_when_there_is_room() {
    let Some(disk) = SmallDisk::mount("12m") else { return };
    let mut installation = Installation::at(&disk.path.join("data"));
    installation.start().await;
    let agora = installation.agora().await;
    agora.register(&["ann", "bob"]).await;
    let mut acknowledged = BTreeMap::new();

    let refusal = fill(&agora, &mut acknowledged).await;
    let log = installation.process().logged();
    assert_eq!(refusal.status.as_u16(), 503, "{} after {}: {log}", refusal.text, acknowledged.len());
    assert!(acknowledged.len() > 100, "{} fit", acknowledged.len());
    assert_eq!(refusal.json()["error_description"], "the server's storage is full, nothing was done, retry later");
    assert_eq!(refusal.headers["retry-after"], "10");
    // The state persists, reads continue, and nothing refused is there.
    let again = Reply::to(agora_send(&agora, "again", "ann", "bob", &"x".repeat(4_100))).await;
    assert_eq!(again.status.as_u16(), 503, "{}: {}", again.text, installation.process().logged());
    assert_stored(&installation, &acknowledged).await;
    assert_no_write_is_a_fault(&agora, &mut acknowledged).await;
    let readyz = format!("{}/readyz", installation.url());
    let readiness = Reply::to(reqwest::Client::new().get(&readyz)).await;
    assert_eq!(readiness.status, 503, "{}", readiness.text);
    assert!(readiness.text.contains("read-only") && readiness.text.contains("is almost full"), "{}", readiness.text);

    disk.grow("64m");
    tidings_testkit::wait_until("sends to work again", async || {
        let key = acknowledged.len().to_string();
        let reply = Reply::to(agora_send(&agora, &key, "ann", "bob", "room")).await;
        if reply.status.as_u16() == 200 {
            acknowledged.insert("room".into(), id_of(&reply.json()));
        }
        reply.status.as_u16() == 200
    })
    .await;
    assert_stored(&installation, &acknowledged).await;
    assert_eq!(Reply::to(reqwest::Client::new().get(&readyz)).await.status, 200);

    installation.kill();
    installation.start().await;
    assert_stored(&installation, &acknowledged).await;
}
