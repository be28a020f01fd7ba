//! Processes start, stop and die while clients continue: the errors that clients see.

use std::{fs, path::Path, sync::Arc};

use reqwest::{Client, Method, multipart};
use tidings_testkit::{Process, Reply, Suite, TestApp, free_address, is_ready, tidings_binary, wait_until};

use crate::fleet::{CLIENTS, Fleet, ROLES, failures};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_every_role_fails_no_request_and_loses_and_doubles_no_message() {
    let fleet = Fleet::start(&[]).await;
    let load = fleet.load();
    for role in ROLES {
        for copy in 0..2 {
            load.progress().await;
            fleet.app.suite.restart(role, copy).await;
        }
    }
    load.progress().await;
    let clients = load.finish().await;
    fleet.assert_none(&failures(&clients, |done| &done.safe_failures));
    fleet.assert_none(&failures(&clients, |done| &done.unsafe_failures));
    fleet.assert_kept(&clients).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_of_any_process_fails_only_sends_without_a_key_that_were_in_flight() {
    let fleet = Fleet::start(&[]).await;
    let load = fleet.load();
    for role in ROLES {
        load.progress().await;
        fleet.app.suite.crash(role, 1).await;
    }
    load.progress().await;
    let clients = load.finish().await;
    // An answer that had started when its gateway was killed is cut off; only the client can repeat the request.
    let (cut, failed): (Vec<_>, Vec<_>) = failures(&clients, |done| &done.safe_failures)
        .into_iter()
        .partition(|failure| failure.contains("IncompleteBody"));
    fleet.assert_none(&failed);
    assert!(cut.len() <= CLIENTS, "{cut:?}");
    let failed = failures(&clients, |done| &done.unsafe_failures);
    assert!(failed.len() <= CLIENTS * ROLES.len(), "{failed:?}");
    fleet.assert_kept(&clients).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_and_a_feed_outlast_the_processes_behind_the_gateway() {
    let app = TestApp::of(Arc::new(Suite::split(1).await)).await;
    let agora = app.agora();
    agora.register(&["ann", "bob"]).await;
    let video: Vec<u8> = (0..10_000_000_u32).map(|n| (n % 251) as u8).collect();
    let form = multipart::Form::new().part("file", multipart::Part::bytes(video.clone()).file_name("film.mp4"));
    let answer = Reply::to(agora.request(Method::POST, "/chatfiles").multipart(form)).await.expect(200);
    let uuid = answer["entities"][0]["uuid"].as_str().unwrap();
    let mut download = agora.request(Method::GET, &format!("/chatfiles/{uuid}")).send().await.unwrap();
    let mut bytes = download.chunk().await.unwrap().unwrap().to_vec();
    app.suite.crash("file", 0).await;
    while let Some(chunk) = download.chunk().await.unwrap() {
        bytes.extend(chunk);
    }
    assert!(bytes == video, "{} bytes came", bytes.len());

    let feed = agora.request(Method::GET, "/tidings/events?after=now").header("accept", "text/event-stream");
    let mut feed = feed.send().await.unwrap();
    let mut seen = String::from_utf8(feed.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    for (n, stop) in ["restart", "crash"].into_iter().enumerate() {
        if stop == "crash" {
            app.suite.crash("message", 0).await;
        } else {
            app.suite.restart("message", 0).await;
        }
        agora.send_text("ann", "bob", &format!("after {n}")).await;
        while !seen.contains(&format!("after {n}")) {
            seen += &String::from_utf8_lossy(&feed.chunk().await.unwrap().expect("the stream goes on"));
        }
    }
}

/// A gateway in a mount namespace where this file replaces /etc/hosts.
fn gateway_with(hosts: &Path, listen: &str, settings: &[(String, String)]) -> Process {
    const SCRIPT: &str = "mount --bind \"$1\" /etc/hosts && shift && exec \"$@\"";
    let (hosts, program) = (hosts.display().to_string(), tidings_binary().display().to_string());
    let words = ["unshare", "--mount", "sh", "-c", SCRIPT, "sh", &hosts, &program, "gateway", "--listen", listen];
    Process::run(&words.map(str::to_owned), settings)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_gets_a_second_address_is_two_processes_without_a_restart() {
    let suite = Suite::split_with(1, &[("TIDINGS_TELEMETRY_LOG", "info")]).await;
    let one = suite.addresses("message").remove(0);
    let port = one.rsplit_once(':').unwrap().1;
    let other = format!("127.0.0.2:{port}");
    let second = suite.launch("message", &other).await;
    let urls = |role: &str| format!("http://{}", suite.addresses(role)[0]);
    let settings = [
        ("TIDINGS_SERVICE_KEY".to_owned(), suite.service_key().to_owned()),
        ("TIDINGS_PEERS_DIRECTORY".to_owned(), urls("directory")),
        ("TIDINGS_PEERS_CONVERSATION".to_owned(), urls("conversation")),
        ("TIDINGS_PEERS_FILE".to_owned(), urls("file")),
        ("TIDINGS_PEERS_MESSAGE".to_owned(), format!("http://messages.test:{port}")),
    ];
    let listen = free_address();
    let hosts = tempfile::NamedTempFile::new().unwrap();
    fs::write(hosts.path(), "127.0.0.1 messages.test\n").unwrap();
    let mut gateway = gateway_with(hosts.path(), &listen, &settings);
    wait_until("the gateway to be ready", async || {
        assert_eq!(gateway.ended(), None, "{}", gateway.logged());
        reqwest::get(format!("http://{listen}/readyz")).await.is_ok_and(|answer| answer.status() == 200)
    })
    .await;
    let suite = Arc::new(suite);
    let app = TestApp::of(Arc::clone(&suite)).await;
    let mut agora = app.agora();
    agora.base = format!("http://{listen}/{}/{}", app.app().org, app.app().name);
    agora.register(&["ann", "bob"]).await;
    agora.send_text("ann", "bob", "to the only one").await;
    let is_send = |line: &&str| line.contains("MessageService/Send") && line.contains(r#"code="OK""#);
    let took = |logged: &str| logged.lines().filter(is_send).count();
    wait_until("the first to log", async || took(&suite.logged()) == 1).await;
    assert_eq!(took(&second.logged()), 0);
    fs::write(hosts.path(), "127.0.0.1 messages.test\n127.0.0.2 messages.test\n").unwrap();
    wait_until("the second to take sends", async || {
        agora.send_text("ann", "bob", "to either").await;
        took(&second.logged()) > 0
    })
    .await;
    // If one of them stops, the other does.
    second.kill();
    for n in 0..20 {
        agora.send_text("ann", "bob", &format!("{n}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_told_to_stop_says_so_serves_on_and_closes_connections_as_it_answers() {
    let settings = [("TIDINGS_DRAIN_DELAY_MS", "60000")];
    let suite = Suite::split_with(1, &settings).await;
    let (url, grpc) = (suite.url(), format!("http://{}", suite.addresses("message")[0]));
    let answered = async |path: &str| {
        let answer = reqwest::get(format!("{url}{path}")).await.unwrap();
        let closes = answer.headers().get("connection").is_some_and(|value| value == "close");
        (answer.status().as_u16(), closes)
    };
    assert_eq!((answered("/livez").await, answered("/readyz").await), ((200, false), (200, false)));
    suite.signal("message", 0, "TERM");
    wait_until("the message service not to be ready", async || !is_ready(&grpc).await).await;
    suite.signal("gateway", 0, "TERM");
    wait_until("the gateway not to be ready", async || answered("/readyz").await == (503, true)).await;
    let reason: serde_json::Value = Reply::to(Client::new().get(format!("{url}/readyz"))).await.json();
    assert_eq!(reason["reason"], "the process is stopping");
    // It serves all the same, over the other that stops too.
    assert_eq!(answered("/livez").await, (200, true));
    let app = TestApp::of(Arc::new(suite)).await;
    app.agora().register(&["ann", "bob"]).await;
    app.agora().send_text("ann", "bob", "still here").await;
    // A second signal ends it at once.
    app.suite.signal("gateway", 0, "INT");
    wait_until("the gateway to be gone", async || reqwest::get(format!("{url}/livez")).await.is_err()).await;
}
