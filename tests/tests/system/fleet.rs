//! Two processes of each role behind nginx, and clients that send, read and upload while something is done to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use futures_util::future::join_all;
use reqwest::{Client, RequestBuilder, multipart};
use serde_json::json;
use tidings_proto::pb;
use tidings_testkit::{Answer, Receiver, Suite, TestApp, wait_until};
use tokio::task::JoinHandle;

use crate::{
    log::{assert_gap_free, direct, history, register, text_of},
    nginx::{Nginx, reserved},
};

/// Clients that send one request after the other.
pub(crate) const CLIENTS: usize = 6;
/// Requests between two steps of a test, of all clients.
const BETWEEN: usize = 150;
/// A file is uploaded with every so manyth round of a client's requests.
const ROUNDS_PER_UPLOAD: usize = 4;
pub(crate) const ROLES: [&str; 6] = ["directory", "file", "message", "conversation", "callback", "gateway"];

/// Two processes of each role behind nginx, and users.
pub(crate) struct Fleet {
    pub(crate) app: TestApp,
    pub(crate) nginx: Nginx,
    receiver: Receiver,
    /// Each client has two users of their own.
    pub(crate) users: Vec<i64>,
    /// The URL of a file.
    file: String,
}

impl Fleet {
    pub(crate) async fn start(others: &[(&str, &str)]) -> Self {
        let reserved = reserved();
        let settings = [("TIDINGS_PUBLIC_URL", reserved.1.as_str()), ("TIDINGS_TRUSTED_PROXIES", "[\"127.0.0.1/32\"]")];
        let app = TestApp::of(Arc::new(Suite::replicated(2, &[&settings, others].concat()).await)).await;
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
        let mut fleet = Self { app, nginx, receiver, users, file: String::new() };
        fleet.file = format!("/chatfiles/{}", fleet.requests(0).uploaded(7).await.unwrap());
        fleet
    }

    fn requests(&self, client: usize) -> Requests {
        Requests {
            http: self.nginx.http.clone(),
            base: format!("{}/{}/{}", self.nginx.url, self.app.app().org, self.app.app().name),
            token: self.app.agora().token,
            reads: [
                format!("/users/from{client}"),
                format!("/tidings/users/to{client}/conversations"),
                format!("/tidings/users/to{client}/messages?type=chat&channel=from{client}"),
                self.file.clone(),
            ],
            users: [format!("from{client}"), format!("to{client}")],
        }
    }

    pub(crate) fn load(&self) -> Load {
        Load::start((0..CLIENTS).map(|client| self.requests(client)))
    }

    pub(crate) fn assert_none(&self, failures: &[String]) {
        assert!(failures.is_empty(), "{failures:#?}\n{}\n{}", self.nginx.errors(), self.app.suite.logged());
    }

    /// Each acknowledged text is there once with its id, other than those only `others` of the unacknowledged ones are
    /// there, and there were callbacks for all of them. Each acknowledged file has its bytes.
    pub(crate) async fn assert_kept(&self, clients: &[Done]) {
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
            let failed = done.unsafe_failures.len() + done.safe_failures.len();
            assert!(unknown <= failed, "{unknown} messages that nobody sent");
            sent += messages.len();
        }
        let requests = self.requests(0);
        for (uuid, byte) in clients.iter().flat_map(|done| &done.uploaded) {
            let bytes = requests.got(&format!("/chatfiles/{uuid}")).send().await.unwrap().bytes().await.unwrap();
            assert!(bytes == file_of(*byte), "the file {uuid} is lost");
        }
        let told = || self.receiver.received().iter().map(|it| it.body.clone()).collect::<BTreeSet<_>>().len();
        wait_until("every callback", async || told() >= sent).await;
    }
}

/// The results of a client.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Ids by text.
    acknowledged: BTreeMap<String, String>,
    /// Uuids of files, and the byte that they are full of.
    uploaded: Vec<(String, u8)>,
    /// Errors of reads and of sends with a key.
    pub(crate) safe_failures: Vec<String>,
    /// Errors of sends without one, and of uploads.
    pub(crate) unsafe_failures: Vec<String>,
}

pub(crate) struct Load {
    answers: Arc<AtomicUsize>,
    failures: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Done>>,
}

impl Load {
    fn start(requests: impl Iterator<Item = Requests>) -> Self {
        let (answers, failures, stop) = (Arc::default(), Arc::default(), Arc::default());
        let clients = requests.map(|requests| {
            tokio::spawn(requests.send_until(Arc::clone(&stop), Arc::clone(&answers), Arc::clone(&failures)))
        });
        let clients = clients.collect();
        Self { answers, failures, stop, clients }
    }

    /// Waits until the clients have made progress.
    pub(crate) async fn progress(&self) {
        self.progress_by(BETWEEN).await;
    }

    pub(crate) async fn progress_by(&self, answers: usize) {
        let enough = self.answers.load(Ordering::SeqCst) + answers;
        wait_until("answers", async || {
            assert!(!self.clients.iter().any(JoinHandle::is_finished), "a client failed");
            self.answers.load(Ordering::SeqCst) >= enough
        })
        .await;
    }

    /// How many answers there were, and how many of them were failures.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.answers.load(Ordering::SeqCst), self.failures.load(Ordering::SeqCst))
    }

    pub(crate) async fn finish(self) -> Vec<Done> {
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
    async fn send_until(self, stop: Arc<AtomicBool>, answers: Arc<AtomicUsize>, failures: Arc<AtomicUsize>) -> Done {
        let mut done = Done::default();
        for n in 0_usize.. {
            if stop.load(Ordering::SeqCst) {
                break;
            }
            let text = format!("text {n}");
            let read = &self.reads[n % self.reads.len()];
            let key = format!("{}/{n}", self.users[0]);
            for (request, is_send, is_safe) in [
                (self.sent(&format!("keyed {text}")).header("idempotency-key", key), Some("keyed"), true),
                (self.sent(&format!("plain {text}")), Some("plain"), false),
                (self.got(read), None, true),
            ] {
                let outcome = answer(request).await;
                answers.fetch_add(1, Ordering::SeqCst);
                failures.fetch_add(usize::from(outcome.is_err()), Ordering::SeqCst);
                match outcome {
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
            }
            if n % ROUNDS_PER_UPLOAD == 0 {
                let byte = (n / ROUNDS_PER_UPLOAD % 256) as u8;
                let outcome = self.uploaded(byte).await;
                answers.fetch_add(1, Ordering::SeqCst);
                failures.fetch_add(usize::from(outcome.is_err()), Ordering::SeqCst);
                match outcome {
                    Ok(uuid) => done.uploaded.push((uuid, byte)),
                    Err(why) => done.unsafe_failures.push(format!("an upload: {why}")),
                }
            }
        }
        done
    }

    fn sent(&self, text: &str) -> RequestBuilder {
        let message = json!({"from": self.users[0], "to": [self.users[1]], "type": "txt", "body": {"msg": text}});
        self.http.post(format!("{}/messages/users", self.base)).bearer_auth(&self.token).json(&message)
    }

    fn got(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    /// Uploads a file and returns its uuid.
    async fn uploaded(&self, byte: u8) -> Result<String, String> {
        let form = multipart::Form::new().part("file", multipart::Part::bytes(file_of(byte)).file_name("a.bin"));
        let upload = self.http.post(format!("{}/chatfiles", self.base)).bearer_auth(&self.token).multipart(form);
        let answer: serde_json::Value = serde_json::from_str(&answer(upload).await?).unwrap();
        Ok(answer["entities"][0]["uuid"].as_str().unwrap().to_owned())
    }
}

fn file_of(byte: u8) -> Vec<u8> {
    vec![byte; 5000]
}

/// The body of an answer with status 200.
async fn answer(request: RequestBuilder) -> Result<String, String> {
    let answer = request.send().await.map_err(|error| format!("{error:?}"))?;
    let status = answer.status();
    let body = answer.bytes().await.map_err(|error| format!("{error:?}"))?;
    let body = String::from_utf8_lossy(&body).into_owned();
    if status == 200 { Ok(body) } else { Err(format!("{status}: {body}")) }
}

pub(crate) fn failures(clients: &[Done], of: impl Fn(&Done) -> &Vec<String>) -> Vec<String> {
    clients.iter().flat_map(|done| of(done).clone()).collect()
}
