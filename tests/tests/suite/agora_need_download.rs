//! Files of imported messages that are fetched from their original URL (agora.md 7, `need_download`).

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use reqwest::Method;
use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::{Agora, Reply, every_shape};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    envelope::agora_error,
    policy::{neighbour, set},
};

/// Another server, which answers by path, and the number of its requests.
struct Other {
    address: String,
    asked: Arc<AtomicUsize>,
}

impl Other {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let asked = Arc::new(AtomicUsize::new(0));
        let (counted, own) = (Arc::clone(&asked), address.clone());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.expect("connections can be accepted");
                let (counted, own) = (Arc::clone(&counted), own.clone());
                tokio::spawn(async move {
                    let mut request = vec![0; 4096];
                    let length = stream.read(&mut request).await.unwrap_or(0);
                    let request = String::from_utf8_lossy(&request[..length]).into_owned();
                    counted.fetch_add(1, Ordering::SeqCst);
                    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                    let _ = stream.write_all(&answer(&path, &own)).await;
                });
            }
        });
        Self { address, asked }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn answer(path: &str, own: &str) -> Vec<u8> {
    let moved = |to: &str| format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n").into_bytes();
    let file = |length: usize, bytes: &[u8]| {
        [format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n").as_bytes(), bytes]
            .concat()
    };
    match path {
        "/a.txt" => file(7, b"old cat"),
        "/moved" => moved("/a.txt"),
        "/named" => moved(&format!("http://localhost:{}/a.txt", own.rsplit(':').next().unwrap_or_default())),
        "/round" => moved("/round"),
        "/odd" => moved("file:///etc/passwd"),
        "/short" => file(100, b"old cat"),
        "/large" => file(200_000, &vec![7; 200_000]),
        _ => b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(),
    }
}

fn message(url: &str) -> Value {
    let body = json!({"url": url, "filename": "a.txt", "secret": "old", "odd": 1});
    json!({"from": "nora", "target": "omar", "type": "file", "body": body, "msg_timestamp": 1_752_588_000_000_i64, "need_download": true})
}

async fn import(agora: &Agora, message: &Value) -> Reply {
    agora.post("/messages/users/import", message).await
}

/// The bodies in nora's history with omar, newest first.
async fn bodies(agora: &Agora) -> Vec<Value> {
    let history = agora.get("/tidings/users/nora/messages?channel=omar&type=chat").await.expect(200);
    let messages = history["data"].as_array().expect("an array");
    messages.iter().map(|message| message["payload"]["bodies"][0].clone()).collect()
}

every_shape! {
    async fn a_file_is_fetched_and_the_message_names_our_copy_agora_7(app: TestApp) {
        set(&app, pb::Policy { fetch_private: Some(true), max_file_bytes: Some(100_000), ..Default::default() }).await;
        let (agora, other) = (app.agora(), Other::start().await);
        agora.register(&["nora", "omar"]).await;
        for path in ["/a.txt", "/moved", "/named"] {
            import(&agora, &message(&other.url(path))).await.expect(200);
            let body = bodies(&agora).await.remove(0);
            let url = body["url"].as_str().expect("a url").to_owned();
            assert!(url.starts_with(&format!("{}/chatfiles/", agora.base)), "{url}");
            assert_eq!(reqwest::get(&url).await.expect("an answer").text().await.expect("a body"), "old cat");
            let kept = (&body["file_length"], &body["filename"], &body["odd"], body.get("secret"));
            assert_eq!(kept, (&json!(7), &json!("a.txt"), &json!(1), None));
        }
        let kept = bodies(&agora).await.len();
        // If the file cannot be fetched, nothing is imported.
        for path in ["/nothing", "/round", "/odd", "/short"] {
            let refused = import(&agora, &message(&other.url(path))).await;
            let (error, text) = agora_error(&refused, 400);
            assert!(error == "illegal_argument" && text.starts_with("url cannot be downloaded: "), "{path}: {text}");
        }
        for url in ["http://127.0.0.1:1/a", "ftp://127.0.0.1/a", "no url"] {
            assert_eq!(agora_error(&import(&agora, &message(url)).await, 400).0, "illegal_argument", "{url}");
        }
        let large = import(&agora, &message(&other.url("/large"))).await;
        assert_eq!(agora_error(&large, 413).0, "file exceeding maximum limit");
        assert_eq!(bodies(&agora).await.len(), kept);
        // Without the option, or without a file, everything is unchanged.
        let mut stays = message(&other.url("/nothing"));
        stays["need_download"] = json!(false);
        import(&agora, &stays).await.expect(200);
        assert_eq!(bodies(&agora).await[0]["url"], other.url("/nothing"));
        let text = json!({"from": "nora", "target": "omar", "type": "txt", "body": {"msg": "x"}, "need_download": true});
        import(&agora, &text).await.expect(200);
    }
}

every_shape! {
    async fn only_the_open_internet_is_asked_unless_the_app_says_otherwise_agora_7(app: TestApp) {
        let (agora, other) = (app.agora(), Other::start().await);
        agora.register(&["nora", "omar"]).await;
        let port = other.address.rsplit(':').next().expect("a port").to_owned();
        let hosts = ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "0x7f.1", "[::1]"];
        for host in hosts {
            let refused = import(&agora, &message(&format!("http://{host}:{port}/a.txt"))).await;
            let (error, text) = agora_error(&refused, 400);
            assert!(error == "illegal_argument" && text.starts_with("url cannot be downloaded: "), "{host}: {text}");
        }
        for url in ["http://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "file:///etc/passwd"] {
            assert_eq!(agora_error(&import(&agora, &message(url)).await, 400).0, "illegal_argument", "{url}");
        }
        assert_eq!(other.asked(), 0);
    }
}

every_shape! {
    async fn an_import_with_a_key_fetches_and_adds_once_agora_7(app: TestApp) {
        let app = neighbour(&app).await;
        set(&app, pb::Policy { fetch_private: Some(true), ..Default::default() }).await;
        let (agora, other) = (app.agora(), Other::start().await);
        agora.register(&["nora", "omar"]).await;
        let send = async || {
            let request = agora.request(Method::POST, "/messages/users/import").header("Idempotency-Key", "file-1");
            Reply::to(request.json(&message(&other.url("/a.txt")))).await.expect(200)
        };
        let (first, second) = (send().await, send().await);
        assert_eq!(first, second);
        assert_eq!((bodies(&agora).await.len(), other.asked()), (1, 1));
    }
}
