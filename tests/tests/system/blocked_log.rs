//! If the reader of the log stops reading, the process continues.

use std::{fs::OpenOptions, io::Read as _, os::unix::fs::OpenOptionsExt as _, process::Command};

use serde_json::json;
use tidings_testkit::{Installation, Process, tidings_binary, wait_until};

/// Linux's flag for non-blocking reads.
const NONBLOCK: i32 = 0o4000;
/// The maximum that Linux buffers in a pipe that nobody reads. It buffers fewer bytes of lines, which do not fill its
/// pages.
const PIPE: usize = 64 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standard_error_that_nobody_reads_stops_neither_answers_nor_the_end() {
    let mut installation = Installation::default();
    installation.start().await;
    let agora = installation.agora().await;
    agora.register(&["ann", "bob"]).await;
    assert_eq!(installation.stop().await, 0);

    let pipe = installation.data().with_file_name("log");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut unread = OpenOptions::new().read(true).write(true).custom_flags(NONBLOCK).open(&pipe).unwrap();
    let address = |url: String| url.strip_prefix("http://").unwrap().to_owned();
    let (data, pipe, program) = (installation.data(), pipe.display().to_string(), tidings_binary());
    let (rest, grpc) = (address(installation.url()), address(installation.grpc_url()));
    let script = r#"exec "$@" 2>"$0""#;
    let (data, program) = (data.display().to_string(), program.display().to_string());
    let words =
        ["sh", "-c", script, &pipe, &program, "serve", "--data", &data, "--listen", &rest, "--grpc-listen", &grpc];
    let settings = [("TIDINGS_TELEMETRY_LOG".to_owned(), "debug".to_owned())];
    let mut process = Process::run(&words.map(str::to_owned), &settings);
    let ready = format!("{}/readyz", installation.url());
    wait_until("the program to be ready", async || {
        reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success())
    })
    .await;
    for n in 0..600 {
        let message = json!({"from": "ann", "to": ["bob"], "type": "txt", "body": {"msg": format!("{n}")}});
        assert_eq!(agora.post("/messages/users", &message).await.status, 200, "send {n}");
    }
    process.terminate();
    wait_until("the program to end", async || process.ended().is_some()).await;
    assert_eq!(process.ended(), Some(0));
    let mut logged = vec![0; 2 * PIPE];
    let kept = unread.read(&mut logged).unwrap();
    // 600 requests log more than it buffers.
    assert!(kept > PIPE / 2, "the pipe never was full: {kept} bytes");
}
