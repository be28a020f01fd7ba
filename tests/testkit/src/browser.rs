//! Headless Chromium, driven over its DevTools protocol.

use std::{collections::VecDeque, env, fs, path::Path, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::{Process, wait_until};

/// After this time a test fails; nothing is expected to take long.
const PATIENCE: Duration = Duration::from_mins(1);

/// A browser with a profile of its own, until it is dropped.
#[derive(Debug)]
pub struct Browser {
    url: String,
    // Ends before its folder is removed.
    _process: Process,
    _profile: TempDir,
}

/// A page of a browser.
#[derive(Debug)]
pub struct Page {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    calls: u64,
    /// What the browser reported and nobody has waited for yet.
    events: VecDeque<Value>,
}

impl Browser {
    /// Starts it.
    ///
    /// # Panics
    /// Outside `cargo xtask test`, which finds or installs it, and when it does not start.
    pub async fn start() -> Self {
        let program = env::var("TIDINGS_TEST_CHROMIUM").unwrap_or_else(|_| {
            let why = env::var("TIDINGS_TEST_CHROMIUM_MISSING");
            panic!("no Chromium: {}", why.as_deref().unwrap_or("run the tests with `cargo xtask test`"))
        });
        let profile = tempfile::tempdir().expect("a temporary folder");
        let own = format!("--user-data-dir={}", profile.path().display());
        // Root has no sandbox, and the pages are the tests' own.
        let words = [&program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", &own];
        let words = words.into_iter().chain(["--remote-debugging-port=0", "about:blank"]).map(str::to_owned);
        let mut process = Process::run(&words.collect::<Vec<_>>(), &[]);
        let (file, mut port) = (profile.path().join("DevToolsActivePort"), None);
        wait_until("Chromium to start", async || {
            assert_eq!(process.ended(), None, "{}", process.logged());
            port = fs::read_to_string(&file).ok().and_then(|text| text.lines().next()?.parse::<u16>().ok());
            port.is_some()
        })
        .await;
        Self { url: format!("http://127.0.0.1:{}", port.unwrap_or_default()), _process: process, _profile: profile }
    }

    /// A new page with that address, loaded.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn open(&self, url: &str) -> Page {
        let made = reqwest::Client::new().put(format!("{}/json/new?about:blank", self.url)).send().await;
        let made: Value = made.expect("Chromium answers").json().await.expect("JSON");
        let address = made["webSocketDebuggerUrl"].as_str().expect("an address");
        let (stream, _) = connect_async(address).await.expect("a WebSocket");
        let mut page = Page { stream, calls: 0, events: VecDeque::new() };
        for domain in ["Page", "Runtime", "Log"] {
            page.call(&format!("{domain}.enable"), json!({})).await;
        }
        // What a page prints is told to the test.
        page.call("Runtime.addBinding", json!({"name": "print"})).await;
        page.go(url).await;
        page
    }
}

impl Page {
    /// Loads another address.
    ///
    /// # Panics
    /// When it cannot be loaded.
    pub async fn go(&mut self, url: &str) {
        let loading = self.call("Page.navigate", json!({"url": url})).await;
        assert_eq!(loading.get("errorText"), None, "{url}: {loading}");
        self.wait_for("document.readyState === 'complete'").await;
    }

    /// The value of an expression, or what its promise becomes.
    ///
    /// # Panics
    /// When it throws.
    pub async fn evaluate(&mut self, expression: &str) -> Value {
        let wanted = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let mut done = self.call("Runtime.evaluate", wanted).await;
        assert_eq!(done.get("exceptionDetails"), None, "{expression}: {done}");
        done["result"]["value"].take()
    }

    /// Waits until an expression is true.
    ///
    /// # Panics
    /// When it does not become true.
    pub async fn wait_for(&mut self, expression: &str) {
        let waited = timeout(PATIENCE, async {
            while self.evaluate(expression).await != true {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        if waited.await.is_err() {
            let shown = self.evaluate("document.body?.innerText").await;
            panic!("waited in vain for {expression}\npage: {shown}\nreported: {:#?}", self.reported());
        }
    }

    /// Types a text into the element with that selector, instead of what is there.
    ///
    /// # Panics
    /// When there is none.
    pub async fn fill(&mut self, selector: &str, text: &str) {
        let find = format!("document.querySelector({})", json!(selector));
        self.evaluate(&format!("{find}.focus(), {find}.select()")).await;
        self.call("Input.insertText", json!({"text": text})).await;
    }

    /// Clicks the element with that selector.
    ///
    /// # Panics
    /// When there is none.
    pub async fn click(&mut self, selector: &str) {
        self.evaluate(&format!("document.querySelector({}).click()", json!(selector))).await;
    }

    /// The next text that the page prints with `print(text)`.
    ///
    /// # Panics
    /// When none comes.
    pub async fn printed(&mut self) -> String {
        let called = self.event("Runtime.bindingCalled").await;
        called["payload"].as_str().expect("a text").to_owned()
    }

    /// Cuts the page off from the network, or connects it again.
    ///
    /// # Panics
    /// When the browser refuses.
    pub async fn set_offline(&mut self, offline: bool) {
        self.call("Network.enable", json!({})).await;
        let conditions = json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        self.call("Network.emulateNetworkConditions", conditions).await;
    }

    /// Errors that the browser has reported of the page: exceptions, refused requests.
    pub fn reported(&self) -> Vec<&Value> {
        let is_error =
            |event: &&Value| event["method"] == "Log.entryAdded" || event["method"] == "Runtime.exceptionThrown";
        self.events.iter().filter(is_error).collect()
    }

    /// Saves a picture of the page, a PNG.
    ///
    /// # Panics
    /// When it cannot be saved.
    pub async fn save_picture(&mut self, path: &Path) {
        let picture = self.call("Page.captureScreenshot", json!({"format": "png"})).await;
        let bytes = BASE64_STANDARD.decode(picture["data"].as_str().expect("a picture")).expect("base64");
        fs::write(path, bytes).expect("a folder that can be written");
    }

    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let call = json!({"id": self.calls, "method": method, "params": params});
        self.stream.send(Message::text(call.to_string())).await.expect("Chromium runs");
        loop {
            let mut message = self.next().await;
            if message["id"] == self.calls {
                assert_eq!(message.get("error"), None, "{method} {params}: {message}");
                return message["result"].take();
            }
            self.events.push_back(message);
        }
    }

    async fn event(&mut self, method: &str) -> Value {
        loop {
            if let Some(place) = self.events.iter().position(|event| event["method"] == method) {
                return self.events.remove(place).expect("it is there")["params"].take();
            }
            let message = self.next().await;
            self.events.push_back(message);
        }
    }

    async fn next(&mut self) -> Value {
        let next = async {
            loop {
                let message = self.stream.next().await.expect("Chromium runs").expect("Chromium runs");
                if let Message::Text(text) = message {
                    return serde_json::from_str(&text).expect("JSON");
                }
            }
        };
        let waited = timeout(PATIENCE, next).await;
        waited.unwrap_or_else(|_| panic!("waited in vain for Chromium; reported: {:#?}", self.reported()))
    }
}
