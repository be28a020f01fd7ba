//! The service key: processes with a wrong one are not ready and say so, and it can be replaced while clients continue.

use serde_json::json;
use tidings_proto::pb::{self, file_service_client::FileServiceClient};
use tidings_testkit::{Installation, Process, Reply, free_address, fresh_database, tidings_binary, wait_until};
use tonic::{Code, Request, transport::Endpoint};

use crate::log::{refusal, refused};

const OLD: &str = "0ld-key-0ld-key-0ld-key-0ld-key";
const NEW: &str = "new-key-new-key-new-key-new-key";

fn settings(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn started(words: &[&str], pairs: &[(&str, &str)]) -> Process {
    Process::start(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), &settings(pairs))
}

async fn ask(url: &str) -> Reply {
    Reply::to(reqwest::Client::new().get(url)).await
}

/// A gateway to the services of an installation.
async fn gateway(installation: &Installation, key: &str) -> (Process, String) {
    let (address, peer) = (free_address(), installation.grpc_url());
    let peers = ["DIRECTORY", "MESSAGE", "CONVERSATION", "FILE"].map(|name| format!("TIDINGS_PEERS_{name}"));
    let mut pairs: Vec<_> = peers.iter().map(|name| (name.as_str(), peer.as_str())).collect();
    pairs.push(("TIDINGS_SERVICE_KEY", key));
    let mut process = started(&["gateway", "--listen", &address], &pairs);
    let url = format!("http://{address}");
    wait_until("the gateway to listen", async || {
        assert_eq!(process.ended(), None, "{}", process.logged());
        reqwest::get(format!("{url}/livez")).await.is_ok()
    })
    .await;
    (process, url)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_with_a_wrong_service_key_is_not_ready_and_tells_clients_to_come_back() {
    let mut installation = Installation::default();
    installation.start().await;
    let right = installation.agora().await;
    let env = installation.env();
    let (process, url) = gateway(&installation, NEW).await;

    let ready = ask(&format!("{url}/readyz")).await;
    assert_eq!(ready.status.as_u16(), 503, "{}", ready.text);
    let reason =
        format!("the directory service at {} refuses the service key of this process", installation.grpc_url());
    assert_eq!(ready.json()["reason"], reason);

    let mut agora = right.clone();
    agora.base = format!("{url}/{}/{}", env["TIDINGS_ORG"], env["TIDINGS_APP"]);
    let body = json!({"from": "ann", "to": ["bob"], "type": "txt", "body": {"msg": "hi"}});
    let grant = json!({"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"});
    for reply in [agora.post("/messages/users", &body).await, agora.post("/token", &grant).await] {
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["error"]),
            (503, &json!("service_unavailable")),
            "{}",
            reply.text
        );
        assert!(reply.headers.contains_key("retry-after"));
    }
    let http = reqwest::Client::new();
    let unread = http.get(format!("{url}/message/unread")).header("app_id", &env["TIDINGS_LANYING_APP_ID"]);
    let reply = Reply::to(unread.header("access-token", &env["TIDINGS_LANYING_ADMIN_TOKEN"])).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (503, &json!(503)), "{}", reply.text);
    assert!(reply.headers.contains_key("retry-after") && !reply.text.contains("http://"), "{}", reply.text);

    let complains = |line: &str| line.contains("ERROR") && line.contains("refuses the service key");
    wait_until("the complaint", async || process.logged().lines().any(complains)).await;
    let complaints = process.logged().lines().filter(|line| complains(line)).count();
    assert!(complaints < 10, "{}", process.logged());

    // A wrong token is still the client's own error.
    let (_right, url) = gateway(&installation, &env["TIDINGS_SERVICE_KEY"]).await;
    wait_until("the gateway to be ready", async || ask(&format!("{url}/readyz")).await.status.is_success()).await;
    agora.base = format!("{url}/{}/{}", env["TIDINGS_ORG"], env["TIDINGS_APP"]);
    assert_eq!(agora.with_token("nonsense").post("/messages/users", &body).await.status.as_u16(), 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_its_peer_refuses_or_that_has_lost_it_is_not_ready() {
    let url = fresh_database().await;
    let data_key = "5a".repeat(32);
    let base = [("TIDINGS_DATABASE_URL", url.as_str()), ("TIDINGS_DATA_KEY", &data_key)];
    let mut migrate = std::process::Command::new(tidings_binary());
    assert!(migrate.arg("migrate").envs(base).status().unwrap().success());
    let (at, file_at) = (free_address(), free_address());
    let directory =
        || started(&["directory", "--grpc-listen", &at], &[&base[..], &[("TIDINGS_SERVICE_KEY", OLD)]].concat());
    let first = directory();
    let (there, file_there) = (format!("http://{at}"), format!("http://{file_at}"));
    wait_until("the directory to be ready", async || tidings_testkit::is_ready(&there).await).await;

    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().display().to_string();
    let file = |key| {
        let own = [
            ("TIDINGS_PEERS_DIRECTORY", there.as_str()),
            ("TIDINGS_SERVICE_KEY", key),
            ("TIDINGS_FILES_FOLDER", &files),
        ];
        started(&["file", "--grpc-listen", &file_at], &[&base[..], &own].concat())
    };
    let wrong = file(NEW);
    wait_until("the complaint", async || {
        wrong.logged().lines().any(|line| line.contains("ERROR") && line.contains("refuses the service key"))
    })
    .await;
    assert!(!tidings_testkit::is_ready(&file_there).await);
    let named = pb::FileRef { uuid: "0b8f6a52-4b3f-4f2d-9d5c-2f6f3ae1a111".to_owned(), ..Default::default() };
    let mut call = Request::new(pb::StatRequest { file: Some(named) });
    call.metadata_mut().insert("authorization", format!("Bearer {NEW}").parse().unwrap());
    call.metadata_mut().insert("tidings-app", "demo#demo".parse().unwrap());
    let mut client = FileServiceClient::new(Endpoint::from_shared(file_there.clone()).unwrap().connect_lazy());
    assert_eq!(refusal(client.stat(call).await), refused(Code::Unavailable, "UNAVAILABLE"));
    wrong.kill();

    let right = file(OLD);
    wait_until("the file service to be ready", async || tidings_testkit::is_ready(&file_there).await).await;
    first.kill();
    wait_until("the file service to miss the directory", async || !tidings_testkit::is_ready(&file_there).await).await;
    let _second = directory();
    wait_until("the file service to be ready again", async || tidings_testkit::is_ready(&file_there).await).await;
    drop(right);
}

/// Whether a call over gRPC with that key is admitted.
async fn opens(installation: &Installation, key: &str) -> bool {
    let mut request = Request::new(pb::ListAppsRequest { page_size: 1, ..Default::default() });
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    match installation.directory().list_apps(request).await {
        Ok(_) => true,
        Err(status) => {
            assert_eq!(refusal::<()>(Err(status)), refused(Code::Unauthenticated, "SERVICE_KEY_WRONG"));
            false
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_is_replaced_with_the_old_one_and_its_links_still_good() {
    let mut installation = Installation::default();
    installation.set("TIDINGS_SERVICE_KEY", OLD);
    installation.start().await;
    let agora = installation.agora().await;
    agora.register(&["ann", "bob"]).await;
    let ann = installation.lanying().acting_as(16_000_000);
    let leave = ann.get("/file/upload/chat?file_type=102&to_type=1&to_id=16000016").await.expect(200);
    let leave = leave["data"].clone();
    assert!(leave["upload_url"].is_string(), "{leave}");
    assert!(opens(&installation, OLD).await && !opens(&installation, NEW).await);
    installation.stop().await;

    installation.set("TIDINGS_SERVICE_KEY", NEW);
    installation.set("TIDINGS_SERVICE_KEY_PREVIOUS", OLD);
    installation.start().await;
    assert_eq!(installation.env()["TIDINGS_SERVICE_KEY"], NEW);
    assert!(opens(&installation, OLD).await && opens(&installation, NEW).await);
    assert!(!opens(&installation, "").await && !opens(&installation, &OLD[1..]).await);
    assert_eq!(put(&leave, b"by an old link").await.expect(200)["code"], 200);
    let newer = ann.get("/file/upload/chat?file_type=102&to_type=1&to_id=16000016").await.expect(200)["data"].clone();
    installation.stop().await;

    installation.unset("TIDINGS_SERVICE_KEY_PREVIOUS");
    installation.start().await;
    assert!(!opens(&installation, OLD).await && opens(&installation, NEW).await);
    assert_ne!(put(&leave, b"too late").await.json()["code"], 200);
    assert_eq!(put(&newer, b"by a new link").await.expect(200)["code"], 200);
}

/// Uploads a file with an upload permission.
async fn put(leave: &serde_json::Value, bytes: &[u8]) -> Reply {
    const BOUNDARY: &str = "tidings-test";
    let field = |(name, value): (&String, &serde_json::Value)| {
        let value = value.as_str().unwrap();
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let fields: Vec<String> = leave["oss_body_param"].as_object().unwrap().iter().map(field).collect();
    let body = format!(
        "{}--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n\
         {}\r\n--{BOUNDARY}--\r\n",
        fields.concat(),
        String::from_utf8_lossy(bytes)
    );
    let request = reqwest::Client::new().post(leave["upload_url"].as_str().unwrap()).body(body);
    Reply::to(request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))).await
}
