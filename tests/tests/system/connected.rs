//! Connected clients while something of the server is away, and under load (docs/realtime.md).

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use prost::Message as _;
use serde_json::{Value, json};
use tidings_dialects::agora::msync::pb::{Jid, MSync, Provision, msync::Command};
use tidings_testkit::{Installation, PacketSocket, Socket, Suite, TestApp, free_address, wait_until};
use tokio::time::Instant;

use crate::order::doubled;

/// The first packet of a device of the vendor's SDKs.
fn provision(app_key: &str, user: &str, token: &str, device: &str) -> Vec<u8> {
    let provision = Provision { resource: Some(device.to_owned()), ..Provision::default() };
    let guid = Jid {
        app_key: Some(app_key.to_owned()),
        name: Some(user.to_owned()),
        domain: Some("easemob.com".to_owned()),
        ..Jid::default()
    };
    MSync {
        version: Some(1),
        guid: Some(guid),
        auth: Some(format!("$t${token}")),
        command: Some(Command::Provision.into()),
        payload: Some(provision.encode_to_vec()),
        ..MSync::default()
    }
    .encode_to_vec()
}

fn packet(command: Command, payload: Vec<u8>) -> Vec<u8> {
    MSync { version: Some(1), command: Some(command.into()), payload: Some(payload), ..MSync::default() }
        .encode_to_vec()
}

fn auth(app_key: &str, token: &str) -> Value {
    json!({"type": "auth", "app": app_key, "token": token, "device": "test"})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_log_in_while_the_directory_is_away_are_told_to_try_again() {
    let app = TestApp::of(Arc::new(Suite::split(1).await)).await;
    let agora = app.agora();
    agora.register(&["nora"]).await;
    let token = agora.logged_in("nora").await.token;
    let key = format!("{}#{}", app.app().org, app.app().name);
    app.suite.signal("directory", 0, "STOP");
    let (mut json, mut msync) =
        (Socket::connect(&app.suite.url()).await, PacketSocket::connect(&app.suite.url()).await);
    json.send(&auth(&key, &token)).await;
    msync.send(provision(&key, "nora", &token, "web_1")).await;
    let (said, closed) = tokio::join!(
        async {
            let said = json.next().await.expect("a frame that says why");
            (said, json.closed().await)
        },
        msync.next()
    );
    app.suite.signal("directory", 0, "CONT");
    let (why, code) = said;
    assert!(["error", "closing"].iter().any(|kind| why["type"] == **kind), "{why}");
    assert_eq!(code, 1013, "{why}");
    // SDKs take any provision with an error for a wrong token.
    assert_eq!(closed, Err(1013));
    wait_until("the client to be back", async || {
        let mut back = Socket::connect(&app.suite.url()).await;
        back.send(&auth(&key, &token)).await;
        back.next().await.is_ok_and(|frame| frame["type"] == "ready")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_leave_connections_for_rest_and_a_place_is_free_when_its_client_goes() {
    let mut server = Installation::default().with("TIDINGS_LIMITS_SOCKETS", "2");
    server.start().await;
    let agora = server.agora().await;
    agora.register(&["nora"]).await;
    let token = agora.logged_in("nora").await.token;
    let open = async || {
        let mut socket = Socket::connect(&server.url()).await;
        socket.send(&auth("demo#demo", &token)).await;
        socket.next_of("ready").await;
        socket
    };
    // Whoever has connected, but not logged in, takes no place.
    let mut late = Socket::connect(&server.url()).await;
    let (first, _second) = (open().await, open().await);
    let upgrade = || {
        let request = reqwest::Client::new().get(format!("{}/tidings/ws", server.url()));
        let request = request.header("connection", "Upgrade").header("upgrade", "websocket");
        let request = request.header("sec-websocket-version", "13");
        request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==").send()
    };
    let refused = upgrade().await.expect("an answer");
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "1"));
    late.send(&auth("demo#demo", &token)).await;
    assert_eq!(late.next_of("error").await["reason"], "OVERLOADED");
    assert_eq!(late.closed().await, 1013);
    agora.get("/users/nora").await.expect(200);
    drop(first);
    wait_until("a place", async || upgrade().await.expect("an answer").status() == 101).await;
    open().await;
}

/// A device that has logged in at that gateway.
async fn log_in(app: &TestApp, gateway: usize, user: &str, device: &str) -> PacketSocket {
    let token = app.agora().logged_in(user).await.token;
    let key = format!("{}#{}", app.app().org, app.app().name);
    let mut socket = PacketSocket::connect(&app.suite.urls()[gateway]).await;
    socket.send(provision(&key, user, &token, device)).await;
    let answer = MSync::decode(&*socket.next().await.expect("an answer")).expect("a packet");
    let status = Provision::decode(answer.payload()).expect("a provision").status.expect("a status");
    assert_eq!(status.error_code.unwrap_or_default(), 0);
    socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_logs_in_at_another_gateway_ends_its_older_session() {
    let (app, [one, _]) = doubled().await;
    one.register(&["nora"]).await;
    let mut first = log_in(&app, 0, "nora", "web_1").await;
    let mut other_device = log_in(&app, 0, "nora", "web_2").await;
    let mut second = log_in(&app, 1, "nora", "web_1").await;
    // It is told why, and closed with the code of a device that is replaced.
    first.next().await.expect("a packet that says why");
    assert_eq!(first.next().await, Err(4409));
    for socket in [&mut other_device, &mut second] {
        socket.send(packet(Command::Unread, Vec::new())).await;
        socket.next().await.expect("an answer");
    }
    let mut told = Value::Null;
    wait_until("the event", async || {
        told = one.get("/tidings/events?after=0:0&kinds=user.offline&wait=0").await.expect(200)["data"].clone();
        told.as_array().is_some_and(|told| !told.is_empty())
    })
    .await;
    assert_eq!((told.as_array().map(Vec::len), &told[0]["change"]["how"]), (Some(1), &json!("replaced")), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_user_is_disconnected_while_the_message_service_is_away() {
    let app = TestApp::of(Arc::new(Suite::split(1).await)).await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    let mut nora = Socket::open(&app, &agora.logged_in("nora").await.token, None).await;
    let mut omar = Socket::open(&app, &agora.logged_in("omar").await.token, None).await;
    // Both have been checked once, which they are a few seconds after their login.
    tokio::time::sleep(Duration::from_secs(6)).await;
    app.suite.signal("message", 0, "STOP");
    agora.post("/users/nora/deactivate", &json!({})).await.expect(200);
    let stopped = Instant::now();
    assert_eq!(nora.closed().await, 4401);
    assert!(stopped.elapsed() < Duration::from_secs(35), "{:?}", stopped.elapsed());
    app.suite.signal("message", 0, "CONT");
    omar.send(&json!({"type": "ping"})).await;
    omar.next_of("pong").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_a_disabled_app_are_disconnected() {
    let mut server = Installation::default();
    server.start().await;
    let agora = server.agora().await;
    agora.register(&["nora"]).await;
    let token = agora.logged_in("nora").await.token;
    let mut nora = Socket::connect(&server.url()).await;
    nora.send(&auth("demo#demo", &token)).await;
    nora.next_of("ready").await;
    let disabled = server.command(&["app", "disable", "demo/demo"]);
    assert!(disabled.status.success(), "{}", String::from_utf8_lossy(&disabled.stderr));
    let began = Instant::now();
    assert_eq!(nora.closed().await, 4401);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_is_sent_away_and_continues_from_its_cursor() {
    let metrics = free_address();
    let mut server = Installation::default().with("TIDINGS_METRICS_LISTEN", &metrics);
    server.start().await;
    let agora = server.agora().await;
    agora.register(&["nora", "omar"]).await;
    let token = agora.logged_in("nora").await.token;
    let mut nora = Socket::connect(&server.url()).await;
    nora.send(&auth("demo#demo", &token)).await;
    let cursor = nora.next_of("ready").await["cursor"].as_str().expect("a cursor").to_owned();
    let body = json!({"from": "omar", "to": ["nora"], "type": "txt", "body": {"msg": "x".repeat(4_000)}});
    let mut sent = Vec::new();
    let is_counted = async || {
        let counted =
            reqwest::get(format!("http://{metrics}/metrics")).await.expect("an answer").text().await.expect("a text");
        counted.lines().any(|line| {
            line.starts_with("tidings_realtime_disconnections_total") && line.contains("the client reads too slowly")
        })
    };
    // Neither side's buffers hold so much.
    while sent.len() < 6_000 && !is_counted().await {
        let answers = join_all((0..100).map(|_| agora.post("/messages/users", &body))).await;
        sent.extend(
            answers.into_iter().map(|answer| answer.expect(200)["data"]["nora"].as_str().expect("an id").to_owned()),
        );
    }
    assert!(is_counted().await, "{} messages were sent", sent.len());
    drop(nora);
    // 200 of a conversation come again; the others are named as missed.
    let mut back = Socket::connect(&server.url()).await;
    let mut again = auth("demo#demo", &token);
    again["cursor"] = json!(cursor);
    back.send(&again).await;
    let missed = back.next_of("missed").await;
    assert_eq!(missed["conversations"], json!([{"chat_type": "chat", "to": "omar"}]));
    let id = json!(agora.send_text("omar", "nora", "and on").await);
    while back.event("message.sent").await["msg_id"] != id {}
}
