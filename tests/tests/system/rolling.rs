//! Processes start, stop and die while clients continue: the errors that clients see.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use futures_util::future::join_all;
use reqwest::{Client, Method, RequestBuilder, multipart};
use serde_json::json;
use tidings_proto::pb;
use tidings_testkit::{
    Agora, Answer, Process, Receiver, Reply, Suite, TestApp, free_address, is_ready, tidings_binary, wait_until,
};
use tokio::task::JoinHandle;

use crate::{
    log::{assert_gap_free, direct, history, register, text_of},
    nginx::{Nginx, reserved},
};

/// Clients that send one request after the other.
const CLIENTS: usize = 6;
/// Requests between two restarts, of all clients.
const BETWEEN: usize = 150;
const ROLES: [&str; 6] = ["directory", "file", "message", "conversation", "callback", "gateway"];

/// Two processes of each role behind nginx, and users.
struct Fleet {
    app: TestApp,
    nginx: Nginx,
    receiver: Receiver,
    /// Each client has two users of their own.
    users: Vec<i64>,
    /// The URL of a file.
    file: String,
}

impl Fleet {
    async fn start() -> Self {
        let reserved = reserved();
        let settings = [("TIDINGS_PUBLIC_URL", reserved.1.as_str()), ("TIDINGS_TRUSTED_PROXIES", "[\"127.0.0.1/32\"]")];
        let app = TestApp::of(Arc::new(Suite::replicated(2, &settings).await)).await;
        let names: Vec<String> = (0..CLIENTS).flat_map(|n| [format!("from{n}"), format!("to{n}")]).collect();
        let users = register(&app, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let receiver = Receiver::start(|_| Answer::ok());
        let new = pb::AddEndpointRequest {
            dialect: pb::CallbackDialect::Tencent.into(),
            url: receiver.url(),
            allow_private: true,
            ..Default::default()
        };
        app.callbacks().add_endpoint(app.request(new)).await.expect("added");
        let nginx = Nginx::start(reserved, app.suite.urls()).await;
        let form = multipart::Form::new().part("file", multipart::Part::bytes(vec![7; 5000]).file_name("a.bin"));
        let base = format!("{}/{}/{}", nginx.url, app.app().org, app.app().name);
        let upload = nginx.http.post(format!("{base}/chatfiles")).bearer_auth(&app.agora().token).multipart(form);
        let answer: serde_json::Value =
            serde_json::from_str(&upload.send().await.unwrap().text().await.unwrap()).unwrap();
        let file = format!("/chatfiles/{}", answer["entities"][0]["uuid"].as_str().unwrap());
        Self { app, nginx, receiver, users, file }
    }

    fn load(&self) -> Load {
        let base = format!("{}/{}/{}", self.nginx.url, self.app.app().org, self.app.app().name);
        Load::start(&self.nginx.http, &base, &self.app.agora(), &self.file)
    }

    fn assert_none(&self, failures: &[String]) {
        assert!(failures.is_empty(), "{failures:#?}\n{}\n{}", self.nginx.errors(), self.app.suite.logged());
    }

    /// Each acknowledged text is there once with its id, other than those only `others` of the unacknowledged ones are
    /// there, and there were callbacks for all of them.
    async fn assert_kept(&self, clients: &[Done]) {
        let mut sent = 0;
        for (pair, done) in self.users.chunks(2).zip(clients) {
            let messages = history(&self.app, direct(pair[0], pair[1])).await;
            assert_gap_free(&messages);
            let stored: BTreeMap<&str, String> =
                messages.iter().map(|message| (text_of(message), message.msg_id.to_string())).collect();
            assert_eq!(stored.len(), messages.len(), "a message is there twice");
            for (text, id) in &done.acknowledged {
                assert_eq!(stored.get(text.as_str()), Some(id), "{text} is lost");
            }
            let unknown = stored.keys().filter(|text| !done.acknowledged.contains_key(**text)).count();
            assert!(unknown <= done.unsafe_failures.len(), "{unknown} messages that nobody sent");
            sent += messages.len();
        }
        let told = || {
            self.receiver.received().iter().map(|it| it.body.clone()).collect::<std::collections::BTreeSet<_>>().len()
        };
        wait_until("every callback", async || told() >= sent).await;
    }
}

/// The results of a client.
#[derive(Debug, Default)]
struct Done {
    /// Ids by text.
    acknowledged: BTreeMap<String, String>,
    /// Errors of reads and of sends with a key.
    safe_failures: Vec<String>,
    /// Errors of sends without one.
    unsafe_failures: Vec<String>,
}

struct Load {
    answers: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Done>>,
}

impl Load {
    fn start(http: &Client, base: &str, agora: &Agora, file: &str) -> Self {
        let (answers, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let clients = (0..CLIENTS).map(|n| {
            let requests = Requests {
                http: http.clone(),
                base: base.to_owned(),
                token: agora.token.clone(),
                reads: [
                    format!("/users/from{n}"),
                    format!("/tidings/users/to{n}/conversations"),
                    format!("/tidings/users/to{n}/messages?type=chat&channel=from{n}"),
                    file.to_owned(),
                ],
                users: [format!("from{n}"), format!("to{n}")],
            };
            tokio::spawn(requests.send_until(Arc::clone(&stop), Arc::clone(&answers)))
        });
        let clients = clients.collect();
        Self { answers, stop, clients }
    }

    /// Waits until the clients have made progress.
    async fn progress(&self) {
        let enough = self.answers.load(Ordering::SeqCst) + BETWEEN;
        wait_until("answers", async || {
            assert!(!self.clients.iter().any(JoinHandle::is_finished), "a client failed");
            self.answers.load(Ordering::SeqCst) >= enough
        })
        .await;
    }

    async fn finish(self) -> Vec<Done> {
        self.stop.store(true, Ordering::SeqCst);
        join_all(self.clients).await.into_iter().map(Result::unwrap).collect()
    }
}

/// One client's.
struct Requests {
    http: Client,
    base: String,
    token: String,
    reads: [String; 4],
    users: [String; 2],
}

impl Requests {
    async fn send_until(self, stop: Arc<AtomicBool>, answers: Arc<AtomicUsize>) -> Done {
        let mut done = Done::default();
        for n in 0_usize.. {
            if stop.load(Ordering::SeqCst) {
                break;
            }
            let text = format!("text {n}");
            let read = &self.reads[n % self.reads.len()];
            let get = self.http.get(format!("{}{read}", self.base)).bearer_auth(&self.token);
            for (request, is_send, is_safe) in [
                (
                    self.send(&format!("keyed {text}")).header("idempotency-key", format!("{}/{n}", self.users[0])),
                    Some("keyed"),
                    true,
                ),
                (self.send(&format!("plain {text}")), Some("plain"), false),
                (get, None, true),
            ] {
                match answer(request).await {
                    Ok(body) => {
                        if let Some(kind) = is_send {
                            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
                            let id = body["data"][&self.users[1]].as_str().unwrap().to_owned();
                            done.acknowledged.insert(format!("{kind} {text}"), id);
                        }
                    }
                    Err(why) if is_safe => done.safe_failures.push(format!("{read} {is_send:?}: {why}")),
                    Err(why) => done.unsafe_failures.push(why),
                }
                answers.fetch_add(1, Ordering::SeqCst);
            }
        }
        done
    }

    fn send(&self, text: &str) -> RequestBuilder {
        let message = json!({"from": self.users[0], "to": [self.users[1]], "type": "txt", "body": {"msg": text}});
        self.http.post(format!("{}/messages/users", self.base)).bearer_auth(&self.token).json(&message)
    }
}

/// The body of an answer with status 200.
async fn answer(request: RequestBuilder) -> Result<String, String> {
    let answer = request.send().await.map_err(|error| format!("{error:?}"))?;
    let status = answer.status();
    let body = answer.bytes().await.map_err(|error| format!("{error:?}"))?;
    let body = String::from_utf8_lossy(&body).into_owned();
    if status == 200 { Ok(body) } else { Err(format!("{status}: {body}")) }
}

fn failures(clients: &[Done], of: impl Fn(&Done) -> &Vec<String>) -> Vec<String> {
    clients.iter().flat_map(|done| of(done).clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_every_role_fails_no_request_and_loses_and_doubles_no_message() {
    let fleet = Fleet::start().await;
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
    let fleet = Fleet::start().await;
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
