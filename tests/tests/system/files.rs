//! Files and crashes: acknowledged files are there, and every stored object belongs to a file.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tidings_domain::{Clock as _, ManualClock, SystemClock};
use tidings_proto::pb;
use tidings_store::sqlx::{self, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tidings_testkit::{Agora, Installation, Suite, TestApp, files_under, wait_until};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

const KILLS: usize = 6;
const UPLOADERS: usize = 8;
/// Acknowledgements between two kills.
const BETWEEN: usize = 10;

/// A form with a file of `size` bytes, all of which are derived from one number.
fn form(n: usize, size: usize) -> Vec<u8> {
    let head = format!("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{n}\"\r\n\r\n");
    [head.into_bytes(), vec![n as u8; size], b"\r\n--b--\r\n".to_vec()].concat()
}

/// The uuid, if the upload was acknowledged.
async fn upload(agora: &Agora, form: Vec<u8>) -> Option<String> {
    let request = agora.request(Method::POST, "/chatfiles").header("content-type", "multipart/form-data; boundary=b");
    let response = request.body(form).send().await.ok()?.error_for_status().ok()?;
    let answer: Value = response.json().await.ok()?;
    Some(answer["entities"][0]["uuid"].as_str()?.to_owned())
}

async fn bytes(agora: &Agora, uuid: &str) -> Option<Vec<u8>> {
    let response = agora.request(Method::GET, &format!("/chatfiles/{uuid}")).send().await.ok()?;
    Some(response.error_for_status().ok()?.bytes().await.ok()?.to_vec())
}

/// Sweeps the folder that nobody serves now, three hours later, and returns how many were removed.
async fn swept_later(data: &Path) -> i64 {
    let clock = ManualClock::new(SystemClock.now());
    clock.advance(Duration::from_hours(3));
    let at = data.to_owned();
    let app =
        TestApp::of(Arc::new(Suite::all_in_one_with(None, Arc::new(clock), move |config| config.data = at))).await;
    let removed = app.files().sweep(app.request(pb::SweepRequest {})).await.unwrap().into_inner().removed;
    // It waits for the connections of this runtime, which must continue meanwhile.
    tokio::task::spawn_blocking(move || drop(app)).await.unwrap();
    // Or the next start distrusts the machine's clock, which is three hours behind this run.
    let file = SqliteConnectOptions::new().filename(data.join("message.sqlite"));
    let mut messages = SqliteConnection::connect_with(&file).await.unwrap();
    sqlx::query("delete from last_run").execute(&mut messages).await.unwrap();
    messages.close().await.unwrap();
    removed
}

#[tokio::test]
async fn no_kill_loses_an_acknowledged_file_or_leaves_bytes_that_nothing_names() {
    let mut server = Installation::default();
    server.start().await;
    let agora = server.agora().await;
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let uploaders: Vec<_> = (0..UPLOADERS)
        .map(|n| {
            let (agora, stop, done) = (agora.clone(), Arc::clone(&stop), Arc::clone(&done));
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for round in n.. {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    if let Some(uuid) = upload(&agora, form(round, 300_000)).await {
                        acknowledged.push((uuid, round));
                        done.fetch_add(1, Ordering::SeqCst);
                    }
                }
                acknowledged
            })
        })
        .collect();
    for _ in 0..KILLS {
        let enough = done.load(Ordering::SeqCst) + BETWEEN;
        wait_until("files to be acknowledged", async || done.load(Ordering::SeqCst) >= enough).await;
        server.kill();
        server.start().await;
    }
    stop.store(true, Ordering::SeqCst);
    let acknowledged: Vec<_> = join_all(uploaders).await.into_iter().flat_map(Result::unwrap).collect();
    assert!(acknowledged.len() >= KILLS * BETWEEN);
    let agora = server.agora().await;
    for (uuid, round) in &acknowledged {
        assert!(bytes(&agora, uuid).await.is_some_and(|found| found == vec![*round as u8; 300_000]), "{uuid}");
    }
    server.stop().await;
    swept_later(server.data()).await;
    let left = files_under(&server.data().join("files"));
    assert!(left.len() >= acknowledged.len());
    server.start().await;
    for object in left {
        let uuid = object.rsplit('/').next().unwrap();
        assert_eq!(uuid.len(), 36, "{object}");
        assert!(bytes(&agora, uuid).await.is_some(), "nothing names {object}");
    }
}

#[tokio::test]
async fn a_crash_in_the_middle_of_an_upload_leaves_no_file_and_no_bytes_after_the_sweep() {
    let mut server = Installation::default();
    server.start().await;
    let agora = server.agora().await;
    let form = form(1, 4_000_000);
    let (address, path) = agora.base.trim_start_matches("http://").split_once('/').unwrap();
    let head = format!(
        "POST /{path}/chatfiles HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
         content-type: multipart/form-data; boundary=b\r\ncontent-length: {}\r\n\r\n",
        agora.token,
        form.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&form[..3_000_000]).await.unwrap();
    let files = server.data().join("files");
    let size =
        || files_under(&files).iter().filter_map(|path| std::fs::metadata(path).ok()).map(|it| it.len()).sum::<u64>();
    wait_until("most of the bytes to be on disk", async || size() > 2_000_000).await;
    server.kill();
    let left = files_under(&files);
    assert_eq!(left.len(), 1);
    // An incomplete one does not have the name of an object.
    assert_ne!(left[0].rsplit('/').next().unwrap().len(), 36);
    assert_eq!(swept_later(server.data()).await, 1);
    assert_eq!(files_under(&files), Vec::<String>::new());
}

#[tokio::test]
async fn the_file_of_a_recalled_message_goes_also_after_a_crash_between_the_two() {
    let mut server = Installation::default();
    server.start().await;
    let agora = server.agora().await;
    let uuid = upload(&agora, form(1, 1000)).await.unwrap();
    let body = json!({"filename": "a", "url": format!("{}/chatfiles/{uuid}", agora.base)});
    let message = json!({"from": "nora", "to": ["omar"], "type": "file", "body": body});
    let sent = agora.post("/messages/users", &message).await.expect(200);
    let recall = json!({"msg_id": sent["data"]["omar"], "to": "omar", "chat_type": "chat"});
    agora.post("/messages/msg_recall", &recall).await.expect(200);
    server.kill();

    let clock = ManualClock::new(SystemClock.now());
    clock.advance(Duration::from_mins(11));
    let at = server.data().to_owned();
    let suite = Suite::all_in_one_with(None, Arc::new(clock), move |config| config.data = at);
    let mut request = suite.request(pb::PurgeRequest {});
    request.metadata_mut().insert("tidings-app", "demo#demo".parse().unwrap());
    let purged = suite.messages().purge(request).await.unwrap().into_inner();
    assert_eq!(purged.files, 1);
    assert_eq!(files_under(&server.data().join("files")), Vec::<String>::new());
    tokio::task::spawn_blocking(move || drop(suite)).await.unwrap();
}
