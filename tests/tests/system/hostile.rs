//! Nobody can block the process: a client that does not read, does not send or sends too much costs a bounded part of
//! it, for a bounded time, and all others are served meanwhile.

use std::time::Duration;

use futures_util::{StreamExt as _, future::join_all, stream};
use reqwest::Method;
use serde_json::json;
use tidings_proto::pb;
use tidings_testkit::{Agora, Installation, Socket, wait_until};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::{Code, Status, transport::Endpoint};

const MIB: usize = 1024 * 1024;
/// The maximum memory of the process, whatever is done to it.
const MOST_MEMORY: u64 = 512 * MIB as u64;
/// How long another client's call may take meanwhile, before it counts as not answered.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running program, an app of it that is attacked, and one that must not be affected.
struct Stage {
    server: Installation,
    attacked: Agora,
    other: Agora,
}

impl Stage {
    async fn set(settings: &[(&str, &str)]) -> Self {
        tidings_runtime::most_connections();
        let server = settings.iter().fold(Installation::default(), |server, (name, value)| server.with(name, value));
        let mut server = server;
        server.start().await;
        let attacked = server.agora().await;
        let made = server.command(&["app", "create", "other/app"]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let made = String::from_utf8(made.stdout).unwrap();
        let value = |name: &str| {
            let line = made.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name} in {made}"));
            line[name.len()..].trim().trim_matches(['=', ':', '\'', '\t', ' ']).to_owned()
        };
        let secrets = (value("client_id"), value("client_secret"));
        let base = format!("{}/other/app", server.url());
        let other = Agora::with_credentials(&base, (&secrets.0, &secrets.1)).await;
        other.register(&["ann", "bob"]).await;
        Self { server, attacked, other }
    }

    /// A connection on which `request` was sent.
    async fn sent(&self, request: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address()).await.unwrap();
        // The server does not read the rest of a refused request.
        let _ = stream.write_all(request).await;
        stream
    }

    fn address(&self) -> &str {
        // Relative to the app's base URL.
        self.other.base.trim_start_matches("http://").split('/').next().unwrap()
    }

    /// The path of the attacked app, as in a request line.
    fn path(&self, path: &str) -> String {
        let base = self.attacked.base.trim_start_matches("http://");
        format!("{}{path}", &base[base.find('/').unwrap()..])
    }

    /// The other app sends and health checks run, for a while.
    async fn others_are_served(&self) {
        let http = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        let (mut slowest, message) =
            (Duration::ZERO, json!({"from": "ann", "to": ["bob"], "type": "txt", "body": {"msg": "hi"}}));
        for _ in 0..20 {
            let begun = tokio::time::Instant::now();
            let alive = http.get(format!("{}/livez", self.server.url())).send().await.expect("monitors are answered");
            assert_eq!(alive.status(), 200);
            let send = http.post(format!("{}/messages/users", self.other.base)).bearer_auth(&self.other.token);
            let sent = send.json(&message).send().await.expect("a send is answered");
            assert_eq!(sent.status(), 200, "{}", sent.text().await.unwrap());
            slowest = slowest.max(begun.elapsed());
        }
        let peak = self.server.process().peak_memory();
        eprintln!("slowest of others: {slowest:?}, memory: {} MiB", peak / MIB as u64);
        assert!(peak < MOST_MEMORY, "{peak} bytes");
    }

    /// A file of 10 MiB in the attacked app.
    async fn file(&self) -> String {
        let head = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n".to_vec();
        let form = [head, vec![7; 10 * MIB - 1024], b"\r\n--b--\r\n".to_vec()].concat();
        let request = self.attacked.request(Method::POST, "/chatfiles");
        let request = request.header("content-type", "multipart/form-data; boundary=b").body(form);
        let answer: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
        self.path(&format!("/chatfiles/{}", answer["entities"][0]["uuid"].as_str().expect("an uuid")))
    }
}

/// Waits until the server has closed the connection, and returns what was received before.
async fn until_closed(mut stream: TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    // A reset is an end too.
    let _ = tokio::time::timeout(Duration::from_mins(2), stream.read_to_end(&mut all)).await.expect("it is closed");
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn downloads_that_are_not_read_hold_up_nobody_and_are_cut_off() {
    let stage = Stage::set(&[]).await;
    let file = stage.file().await;
    let request = format!("GET {file} HTTP/1.1\r\nHost: x\r\n\r\n");
    let stalled = join_all((0..400).map(|_| stage.sent(request.as_bytes()))).await;
    for stream in &stalled {
        stream.readable().await.unwrap();
    }
    stage.others_are_served().await;
    let taken = reqwest::get(format!("http://{}{file}", stage.address())).await.unwrap().bytes().await.unwrap();
    assert_eq!(taken.len(), 10 * MIB - 1024);
    let cut = until_closed_unread(stalled.into_iter().next().unwrap()).await;
    assert!(cut < 10 * MIB, "{cut} bytes of a download that stood still came whole");
}

/// Waits until the server has closed a connection that nobody reads; returns how many bytes had been received by then.
async fn until_closed_unread(mut stream: TcpStream) -> usize {
    // The error shows without reading: the peer has reset the connection or closed it.
    wait_until("the server to give the connection up", async || stream.write_all(b"x").await.is_err()).await;
    let (mut came, mut some) = (0, vec![0; 64 * 1024]);
    while let Ok(read @ 1..) = stream.read(&mut some).await {
        came += read;
    }
    came
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_withhold_their_last_byte_hold_little() {
    let stage = Stage::set(&[]).await;
    let request = |path: &str, token: &str, size: usize| {
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: {size}\r\n\r\n",
            stage.path(path)
        );
        [head.into_bytes(), vec![b' '; size - 1]].concat()
    };
    let strangers = [request("/token", "", 2 * MIB), request("/token", "", 60 * 1024)];
    let known = request("/messages/users", &stage.attacked.token, 2 * MIB);
    let held = join_all((0..700).map(|n| stage.sent(if n < 500 { &strangers[n % 2] } else { &known })));
    let (held, ()) = tokio::join!(held, stage.others_are_served());
    stage.others_are_served().await;
    let answers = join_all(held.into_iter().map(until_closed)).await;
    let status = |answer: &[u8]| String::from_utf8_lossy(answer).split(' ').nth(1).map(str::to_owned);
    let counted = |wanted: &str| answers.iter().filter(|answer| status(answer).as_deref() == Some(wanted)).count();
    assert!(counted("413") > 0, "a stranger's large body is too large");
    assert!(counted("503") > 0, "beyond the budget a body is refused as overload");
}

/// A send to the door: its first message, after which its stream goes on forever.
async fn unfinished(server: &Installation, key: &str, size: usize) -> Status {
    let text = pb::Text { text: "x".repeat(size) };
    let content = pb::Content { body: Some(pb::content::Body::Text(text)), ..Default::default() };
    let first = pb::SendRequest { content: Some(content), ..Default::default() };
    let mut request = tonic::Request::new(stream::iter([first]).chain(stream::pending()));
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    let channel = Endpoint::from_shared(server.grpc_url()).unwrap().connect().await.unwrap();
    let mut client = tonic::client::Grpc::new(channel).max_encoding_message_size(usize::MAX);
    client.ready().await.unwrap();
    let path = "/tidings.v1.MessageService/Send".parse().unwrap();
    let codec = tonic_prost::ProstCodec::<pb::SendRequest, pb::SendResponse>::default();
    client.client_streaming(request, path, codec).await.expect_err("it is not answered")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_at_the_door_that_do_not_end_hold_little() {
    let stage = Stage::set(&[]).await;
    let made = ["app", "key", "create", "demo/demo", "--name", "crm", "--scopes", "send", "--json"];
    let made: serde_json::Value = serde_json::from_slice(&stage.server.command(&made).stdout).unwrap();
    let key = made["key"].as_str().unwrap();
    let held = join_all((0..60).map(|_| unfinished(&stage.server, key, 3 * MIB)));
    let (held, ()) = tokio::join!(held, stage.others_are_served());
    let counted = |code| held.iter().filter(|status| status.code() == code).count();
    // The budget has room for ten, which are given up after a while.
    assert!((1..=10).contains(&counted(Code::DeadlineExceeded)), "{held:?}");
    assert_eq!(counted(Code::DeadlineExceeded) + counted(Code::Unavailable), 60, "{held:?}");
    let large = unfinished(&stage.server, key, 5 * MIB).await;
    assert_eq!(large.code(), Code::InvalidArgument, "at once, by the length that its frame names");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_end_by_weight_and_answers_that_are_not_read_hold_little() {
    let stage = Stage::set(&[]).await;
    let set =
        stage.server.command(&["app", "set-policy", "demo/demo", "max_content_bytes=1000000", "max_ext_bytes=1000000"]);
    assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
    stage.attacked.register(&["eve", "mallory"]).await;
    let heavy = json!({"from": "eve", "to": ["mallory"], "type": "txt", "body": {"msg": "x".repeat(900_000)}});
    wait_until("the policy to hold", async || stage.attacked.post("/messages/users", &heavy).await.status == 200).await;
    for _ in 0..11 {
        assert_eq!(stage.attacked.post("/messages/users", &heavy).await.status, 200);
    }
    let (mut pages, mut ids, mut cursor) = (0, Vec::new(), String::new());
    loop {
        let path = format!("/tidings/users/mallory/messages?type=chat&channel=eve&limit=50{cursor}");
        let page = stage.attacked.get(&path).await.expect(200);
        let messages = page["data"].as_array().unwrap_or_else(|| panic!("{page}")).clone();
        assert!(!messages.is_empty() && messages.len() <= 2, "{} messages in a page", messages.len());
        ids.extend(messages.iter().map(|message| message["msg_id"].as_str().unwrap().to_owned()));
        pages += 1;
        match page["cursor"].as_str().filter(|cursor| !cursor.is_empty()) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 12, "every message is in one page of {pages}");
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        stage.path("/tidings/users/mallory/messages?type=chat&channel=eve&limit=50"),
        stage.attacked.token
    );
    let held = join_all((0..300).map(|_| stage.sent(request.as_bytes()))).await;
    stage.others_are_served().await;
    for stream in &held {
        stream.readable().await.unwrap();
    }
    stage.others_are_served().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_say_nothing_make_room_for_others() {
    let bounds = [("TIDINGS_LIMITS_CONNECTIONS", "300"), ("TIDINGS_LIMITS_CONNECTIONS_PER_ADDRESS", "200")];
    let stage = Stage::set(&bounds).await;
    let mut held = Vec::new();
    for n in 0..600 {
        held.push(stage.sent(if n % 2 == 0 { b"" } else { b"GET /livez HT" }).await);
    }
    stage.others_are_served().await;
    assert_eq!(until_closed(held.swap_remove(0)).await, b"");
}

/// Opens a WebSocket.
const UPGRADE: &[u8] = b"GET /tidings/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_that_do_not_log_in_make_room_for_others() {
    let bounds = [("TIDINGS_LIMITS_CONNECTIONS", "300"), ("TIDINGS_LIMITS_CONNECTIONS_PER_ADDRESS", "200")];
    let stage = Stage::set(&bounds).await;
    let mut held = Vec::new();
    for _ in 0..400 {
        let mut stream = stage.sent(UPGRADE).await;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.expect("an answer");
        assert_eq!(&status, b"HTTP/1.1 101");
        held.push(stream);
    }
    stage.others_are_served().await;
    let first = until_closed(held.swap_remove(0)).await;
    assert!(!String::from_utf8_lossy(&first).contains("no auth frame"), "it was closed for a newer one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_has_not_logged_in_sends_at_most_16_kib() {
    let mut server = Installation::default();
    server.start().await;
    let mut socket = Socket::connect(&server.url()).await;
    // As a REST call of that size, it would be allowed: the bound is for whoever has not said who they are.
    socket.send_text(&"x".repeat(20 * 1024)).await;
    assert_eq!(socket.closed().await, 1009);
    let mut socket = Socket::connect(&server.url()).await;
    socket.send_text(&"x".repeat(15 * 1024)).await;
    assert_eq!(socket.closed().await, 1008);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_head_a_slow_body_and_a_slow_upload_are_cut_off() {
    let stage = Stage::set(&[]).await;
    let head = stage.sent(b"GET /livez HTTP/1.1\r\nHost: ").await;
    let body = format!("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{{", stage.path("/token"));
    let body = stage.sent(body.as_bytes()).await;
    let upload = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: multipart/form-data; boundary=b\r\n\
         Content-Length: 100000\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n",
        stage.path("/chatfiles"),
        stage.attacked.token
    );
    let upload = stage.sent(upload.as_bytes()).await;
    let trickled = [head, body, upload].map(|stream| async move {
        let (mut from, mut to) = stream.into_split();
        let trickling = tokio::spawn(async move {
            while to.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let mut answer = Vec::new();
        let end = tokio::time::timeout(Duration::from_mins(2), from.read_to_end(&mut answer)).await;
        trickling.abort();
        let _ = end.expect("the server gives it up");
        String::from_utf8_lossy(&answer).into_owned()
    });
    let [head, body, upload] = <[String; 3]>::try_from(join_all(trickled).await).unwrap();
    assert_eq!(head, "");
    assert!(body.starts_with("HTTP/1.1 400"), "{body}");
    assert!(upload.starts_with("HTTP/1.1 400"), "{upload}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stranger_sends_fills_no_log() {
    let stage = Stage::set(&[("TIDINGS_TELEMETRY_LOG", "info")]).await;
    let long = "M".repeat(15_000);
    let requests = [
        format!("{long} /livez HTTP/1.1\r\nHost: x\r\n\r\n"),
        format!("GET /{long}/{long} HTTP/1.1\r\nHost: x\r\n\r\n"),
        format!("GET /message/unread HTTP/1.1\r\nHost: x\r\napp_id: {long}\r\n\r\n"),
        format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", stage.path("/users/ann")),
    ];
    let before = stage.server.process().logged().lines().count();
    for _ in 0..10 {
        let sent = (0..100).map(|n| stage.sent(requests[n % requests.len()].as_bytes()));
        for mut stream in join_all(sent).await {
            let mut answer = [0; 12];
            let _ = stream.read_exact(&mut answer).await;
        }
    }
    stage.others_are_served().await;
    wait_until("the lines of the other app", async || {
        stage.server.process().logged().matches("other#app").count() >= 20
    })
    .await;
    let logged = stage.server.process().logged();
    let lines: Vec<&str> = logged.lines().skip(before).filter(|line| !line.contains("other#app")).collect();
    assert!(lines.len() < 200, "{} lines", lines.len());
    assert!(lines.iter().any(|line| line.contains("repeated")), "{logged}");
    assert!(lines.iter().all(|line| line.len() < 1000), "a line is too long");
}
