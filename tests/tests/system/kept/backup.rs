//! `tidings backup` while messages are sent, and `tidings restore`.

use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tidings_domain::hex;
use tidings_testkit::{Installation, wait_until};

use super::data_set::{bytes, fill, take_back_newest_migration, upload};
use crate::{
    data_folder::{fail, installed, open_to_others, run},
    log::{agora_send, assert_gap_free, demo_history, send_until_acknowledged},
};

fn words(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_has_every_message_that_was_acknowledged_before_it_and_verifies_clean() {
    const SENDERS: usize = 8;
    let installation = installed().await;
    let data_set = fill(&installation, 100).await;
    let agora = installation.agora().await;
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (agora, stop, acknowledged) = (agora.clone(), Arc::clone(&stop), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                for n in 0.. {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let key = format!("load-{sender}-{n}");
                    let (id, failures) = send_until_acknowledged(&agora, &key, "ann", "bob", &key).await;
                    assert_eq!(failures, 0, "a backup makes no send fail");
                    if n % 20 == 0 {
                        upload(&agora, &key).await;
                    }
                    acknowledged.lock().unwrap().push((key, id));
                }
            })
        })
        .collect();
    let count = || acknowledged.lock().unwrap().len();
    wait_until("the load to run", async || count() > 100).await;
    let before = acknowledged.lock().unwrap().clone();
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup");
    let told = tokio::task::block_in_place(|| run(&installation, &["backup", words(&backup)]));
    assert!(told.contains(": 0 findings"), "{told}");
    let after = count();
    wait_until("the load to go on", async || count() > after + 20).await;
    stop.store(true, Ordering::SeqCst);
    for sender in senders {
        sender.await.unwrap();
    }
    let original = demo_history(&installation, "ann", "bob").await;

    let mut restored = Installation::at(&folder.path().join("data"));
    let told = run(&restored, &["restore", words(&backup)]);
    assert!(told.contains(": 0 findings"), "{told}");
    restored.start().await;
    let history = demo_history(&restored, "ann", "bob").await;
    assert_gap_free(&history);
    assert!(history.len() < original.len(), "the load went on after the backup");
    assert_eq!(history, original[..history.len()], "the copy is the log up to one moment");
    let ids: Vec<i64> = history.iter().map(|message| message.msg_id).collect();
    let lost: Vec<_> = before.iter().filter(|(_, id)| !ids.contains(id)).collect();
    assert!(lost.is_empty(), "acknowledged before the backup and not in it: {lost:?}");

    // Keys, files, secrets and read marks are those of the original.
    let agora = restored.agora().await;
    let (key, id) = &before[0];
    let answer: Value = agora_send(&agora, key, "ann", "bob", key).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["data"]["bob"], id.to_string());
    assert_eq!(bytes(&agora, &data_set.file).await, "a file");
    let unread = restored.lanying().logged_in("cleo").await.unread().await;
    assert_eq!(unread, installation.lanying().logged_in("cleo").await.unread().await);
    agora.send_text("ann", "bob", "goes on").await;
    assert_gap_free(&demo_history(&restored, "ann", "bob").await);
    restored.stop().await;
    assert!(run(&restored, &["verify"]).ends_with(": 0 findings\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_overwritten_unless_it_is_forced() {
    let mut installation = installed().await;
    fill(&installation, 10).await;
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup");
    run(&installation, &["backup", words(&backup)]);
    let open = open_to_others(&backup);
    assert!(open.is_empty(), "others can read {open:?}");
    let refused = fail(&installation, &["backup", words(&backup)]);
    assert!(refused.contains("already exists: a backup is never overwritten"), "{refused}");
    let refused = fail(&installation, &["restore", words(&backup)]);
    assert!(refused.contains("in use by another tidings process"), "{refused}");

    let history = demo_history(&installation, "ann", "bob").await;
    let agora = installation.agora().await;
    agora.send_text("ann", "bob", "after the backup").await;
    installation.stop().await;
    let refused = fail(&installation, &["restore", words(&backup)]);
    assert!(refused.contains("finds data in") && refused.contains("--force"), "{refused}");
    run(&installation, &["restore", words(&backup), "--force"]);
    installation.start().await;
    assert_eq!(demo_history(&installation, "ann", "bob").await, history);
    installation.stop().await;
    let aside = fs::read_dir(installation.data()).unwrap().map(|entry| entry.unwrap().file_name());
    let aside: Vec<_> = aside.filter(|name| name.to_string_lossy().starts_with("replaced-")).collect();
    assert_eq!(aside.len(), 1, "what was there is kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_newer_or_damaged_is_refused_and_an_older_one_is_brought_up_to_date() {
    let mut installation = installed().await;
    fill(&installation, 10).await;
    installation.stop().await;
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup");
    run(&installation, &["backup", words(&backup)]);
    let manifest = backup.join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let mut newer: Value = serde_json::from_str(&text).unwrap();
    newer["databases"][0]["step"] = 999.into();
    fs::write(&manifest, newer.to_string()).unwrap();
    let target = Installation::at(&folder.path().join("data"));
    let refused = fail(&target, &["restore", words(&backup)]);
    assert!(refused.contains("are newer (step 999") && refused.contains("update this program"), "{refused}");

    fs::write(&manifest, &text).unwrap();
    let mut older: Value = serde_json::from_str(&text).unwrap();
    let steps = take_back_newest_migration(&backup, "message").await;
    let refused = fail(&target, &["restore", words(&backup)]);
    assert!(refused.contains("has a damaged") && refused.contains("message.sqlite"), "{refused}");
    assert!(!target.data().join("message.sqlite").exists(), "nothing was restored");

    let file = fs::read(backup.join("message.sqlite")).unwrap();
    let message = older["databases"].as_array_mut().unwrap().iter_mut().find(|it| it["service"] == "message").unwrap();
    message["step"] = steps.into();
    message["bytes"] = file.len().into();
    message["sha256"] = hex(&Sha256::digest(&file)).into();
    fs::write(&manifest, older.to_string()).unwrap();
    let told = run(&target, &["restore", words(&backup)]);
    assert!(told.contains(": 0 findings"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_that_was_cut_is_no_installation() {
    let mut installation = installed().await;
    fill(&installation, 10).await;
    installation.stop().await;
    // As it is left in the middle: the list of databases is there, one of them is not.
    fs::remove_file(installation.data().join("message.sqlite")).unwrap();
    let refused = fail(&installation, &["serve", "--listen", "127.0.0.1:0", "--grpc-listen", "127.0.0.1:0"]);
    assert!(refused.contains("message.sqlite was made by an earlier start and is gone"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_being_written_is_left_alone_and_one_that_was_cut_is_replaced() {
    let mut installation = installed().await;
    installation.stop().await;
    let folder = tempfile::tempdir().unwrap();
    let (backup, unfinished) = (folder.path().join("backup"), folder.path().join("backup.unfinished"));
    fs::create_dir(&unfinished).unwrap();
    let lock = fs::File::create(unfinished.join("backup.lock")).unwrap();
    lock.lock().unwrap();
    let refused = fail(&installation, &["backup", words(&backup)]);
    assert!(refused.contains("is being written by another process"), "{refused}");
    drop(lock);
    fs::write(unfinished.join("left"), "by a backup that was cut").unwrap();
    run(&installation, &["backup", words(&backup)]);
    assert!(!backup.join("left").exists() && !backup.join("backup.lock").exists() && !unfinished.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_outside_the_data_folder_may_have_files_that_are_newer_than_the_backup() {
    let folder = tempfile::tempdir().unwrap();
    let mut installation = Installation::at(&folder.path().join("data"));
    installation.set("TIDINGS_FILES_FOLDER", words(&folder.path().join("store")));
    installation.start().await;
    fill(&installation, 10).await;
    let backup = folder.path().join("backup");
    run(&installation, &["backup", words(&backup)]);
    let newer = upload(&installation.agora().await, "newer").await;
    installation.stop().await;
    let told = run(&installation, &["restore", words(&backup), "--force"]);
    assert!(told.contains(": 0 findings") && told.contains("newer than the backup"), "{told}");
    let named = fail(&installation, &["verify"]);
    assert!(named.contains("found 1 problem"), "{named} {newer:?}");
}
