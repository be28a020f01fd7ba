//! TLS on REST and gRPC, and between roles.

mod hostile;
mod mutual;
mod operate;
mod reload;
mod start;

use std::sync::Arc;

use prost::Message as _;
use serde_json::{Value, json};
use tidings_dialects::agora::msync::pb::{Jid, MSync, Provision, msync::Command, status::ErrorCode};
use tidings_domain::SystemClock;
use tidings_testkit::{Authority, Duplex, Installation, PacketSocket, Socket, Suite, TestApp, TlsClient, wait_until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// An installation that shows a certificate by the authority. Nothing runs yet.
fn secured(authority: &Authority) -> Installation {
    let shown = authority.issue("server");
    let mut installation = Installation::default()
        .with("TIDINGS_TLS_CERTIFICATE", &shown.certificate.display().to_string())
        .with("TIDINGS_TLS_KEY", &shown.key.display().to_string());
    let listen = installation.url().replace("http://", "");
    installation.set("TIDINGS_LISTEN", &listen);
    installation
}

/// Starts it, and waits until it says that it is ready.
async fn start(installation: &mut Installation) {
    installation.launch();
    wait_until("the program to be ready", async || {
        installation.process().printed().contains("Tidings is ready")
            && installation.command(&["ready"]).status.success()
    })
    .await;
}

fn address(url: &str) -> String {
    url.replace("http://", "").replace("https://", "")
}

/// An app behind REST and gRPC that speak TLS, in this process.
async fn app(authority: &Authority) -> TestApp {
    let shown = authority.issue("server");
    let suite = Suite::all_in_one_with(None, Arc::new(SystemClock), |config| {
        config.tls.certificate = Some(shown.certificate);
        config.tls.key = Some(shown.key);
    });
    TestApp::of(Arc::new(suite.over_tls(TlsClient::new(authority, None)))).await
}

/// Whether a request is answered on an open connection.
async fn is_alive(stream: &mut impl Duplex) -> bool {
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = [0; 4096];
    let length = stream.read(&mut answer).await.unwrap();
    answer[..length].starts_with(b"HTTP/1.1 200 ")
}

async fn dial(app: &TestApp, authority: &Authority) -> Box<dyn Duplex> {
    let url = app.suite.url();
    Box::new(TlsClient::new(authority, None).dial(&address(&url), "http/1.1").await.unwrap())
}

#[tokio::test]
async fn rest_of_both_dialects_and_grpc_are_served_over_tls() {
    let authority = Authority::default();
    let app = app(&authority).await;
    // It was made over gRPC.
    let (agora, lanying) = (app.agora(), app.lanying());
    agora.register(&["nora", "omar"]).await;
    agora.send_text("nora", "omar", "hello").await;
    let unread = lanying.logged_in("omar").await.unread().await;
    assert_eq!(unread.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [1]);
    let key = format!("{}%23{}", app.app().org, app.app().name);
    let found = app.suite.http().get(format!("{}/easemob/server.json?app_key={key}", app.suite.url())).send().await;
    let document: Value = found.unwrap().json().await.unwrap();
    for part in ["rest", "msync-wx"] {
        let host = &document[part]["hosts"][0];
        assert_eq!((&host["protocol"], &host["domain"]), (&json!("https"), &json!("127.0.0.1")), "{part}");
    }
    let history = agora.get("/users/nora").await.expect(200);
    assert!(history["uri"].as_str().unwrap().starts_with("https://127.0.0.1:"), "{history}");
}

#[tokio::test]
async fn both_sockets_work_over_tls() {
    let authority = Authority::default();
    let app = app(&authority).await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    let (url, token) = (app.suite.url(), agora.logged_in("omar").await.token);
    let socket = Socket::over(dial(&app, &authority).await, &url).await;
    let mut socket = socket.authenticate(&app, &json!({"token": token, "device": "test"})).await;

    let mut packets = PacketSocket::over(dial(&app, &authority).await, &url).await;
    let key = format!("{}#{}", app.app().org, app.app().name);
    let name = |text: &str| Some(text.to_owned());
    let guid = Jid { app_key: Some(key), name: name("omar"), domain: name("easemob.com"), ..Jid::default() };
    let login = MSync {
        version: Some(1),
        guid: Some(guid),
        auth: Some(format!("$t${token}")),
        command: Some(Command::Provision.into()),
        payload: Some(Provision { resource: name("raw_omar"), ..Provision::default() }.encode_to_vec()),
        ..MSync::default()
    };
    packets.send(login.encode_to_vec()).await;
    let answer = MSync::decode(&*packets.next().await.expect("an answer")).unwrap();
    assert_eq!(Provision::decode(answer.payload()).unwrap().status.unwrap().error_code(), ErrorCode::Ok);

    let id = agora.send_text("nora", "omar", "hello").await;
    assert_eq!(socket.event("message.sent").await["msg_id"], json!(id));
    let mut next = async || MSync::decode(&*packets.next().await.expect("a packet")).unwrap().command();
    while next().await != Command::Notice {}
}
