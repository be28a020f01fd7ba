//! The vendor's web SDK, unmodified, as one device: in a Node process, or in a page of a browser.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tidings_testkit::{Page, TestApp};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};

/// After this time a test fails; nothing is expected to take long.
const LONGEST: Duration = Duration::from_mins(1);

/// The SDK's newest version.
pub const NEWEST: &str = "easemob-websdk";

/// Where the SDK runs.
enum Host {
    Node { process: Child, input: ChildStdin, lines: UnboundedReceiver<Value> },
    Page(Box<Page>),
}

/// One SDK.
pub struct Device {
    host: Host,
    /// Events that came before something else that was waited for.
    pub heard: Vec<Value>,
    steps: usize,
}

impl Drop for Device {
    fn drop(&mut self) {
        if let Host::Node { process, .. } = &mut self.host {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The installed npm packages.
pub fn packages() -> PathBuf {
    let folder = env::var_os("TIDINGS_TEST_NPM").expect("`cargo xtask test` installs the packages and says where");
    Path::new(&folder).join("node_modules")
}

fn key(app: &TestApp) -> String {
    format!("{}#{}", app.app().org, app.app().name)
}

impl Device {
    /// In a Node process of its own.
    pub fn start(app: &TestApp, user: &str) -> Self {
        Self::start_on(app, user, "")
    }

    /// The same on a device with that name; empty: on a new one.
    pub fn start_on(app: &TestApp, user: &str, device: &str) -> Self {
        Self::start_with(app, user, device, NEWEST)
    }

    /// The same with a version of the SDK, by its name in `npm/package.json`.
    pub fn start_with(app: &TestApp, user: &str, device: &str, version: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("npm/websdk-realtime.js");
        let mut node = Command::new("node");
        node.arg(script).args([&app.suite.url(), &key(app), user, device, version]).env("NODE_PATH", packages());
        let mut process = node.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("node runs");
        let input = process.stdin.take().expect("its input");
        let output = BufReader::new(process.stdout.take().expect("its output"));
        let (sender, lines) = unbounded_channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Ok(line) = serde_json::from_str(&line) {
                    let _ = sender.send(line);
                }
            }
        });
        Self { host: Host::Node { process, input, lines }, heard: Vec::new(), steps: 0 }
    }

    /// In a page that has loaded the SDK and `npm/websdk-device.js`.
    pub async fn in_page(mut page: Page, app: &TestApp, user: &str) -> Self {
        let place = json!([app.suite.url(), key(app), user]);
        let made =
            format!("receive = device(websdk.default ?? websdk, ...{place}, line => print(JSON.stringify(line))), 0");
        page.evaluate(&made).await;
        Self { host: Host::Page(Box::new(page)), heard: Vec::new(), steps: 0 }
    }

    /// A device that has logged in, by token.
    pub async fn logged_in(app: &TestApp, user: &str) -> Self {
        Self::logged_in_on(app, user, "").await
    }

    /// The same on a device with that name.
    pub async fn logged_in_on(app: &TestApp, user: &str, device: &str) -> Self {
        let mut device = Self::start_on(app, user, device);
        let token = app.agora().logged_in(user).await.token;
        device.does("open", json!({"accessToken": token})).await;
        device
    }

    async fn line(&mut self) -> Value {
        match &mut self.host {
            Host::Node { lines, .. } => {
                timeout(LONGEST, lines.recv()).await.expect("a line in time").expect("the client runs")
            }
            Host::Page(page) => serde_json::from_str(&page.printed().await).expect("JSON"),
        }
    }

    async fn write(&mut self, line: &str) {
        match &mut self.host {
            Host::Node { input, .. } => writeln!(input, "{line}").expect("the client reads"),
            Host::Page(page) => drop(page.evaluate(&format!("receive({}), 0", json!(line))).await),
        }
    }

    /// Calls the SDK; its answer, or what it refused with.
    pub async fn call(&mut self, call: &str, args: Value) -> Result<Value, Value> {
        self.steps += 1;
        let step = self.steps;
        self.write(&json!({"step": step, "call": call, "args": args}).to_string()).await;
        loop {
            let line = self.line().await;
            if line["step"] != step {
                self.heard.push(line);
            } else if let Some(fault) = line.get("fault") {
                return Err(fault.clone());
            } else {
                return Ok(line["ok"].clone());
            }
        }
    }

    /// Calls the SDK, which must succeed.
    pub async fn does(&mut self, call: &str, args: Value) -> Value {
        self.call(call, args.clone()).await.unwrap_or_else(|fault| panic!("{call} {args}: {fault}"))
    }

    /// Sends a message, and returns its id.
    pub async fn send(&mut self, message: Value) -> String {
        let sent = self.does("send", message).await;
        assert_eq!(sent["is_numbered"], true, "{sent}");
        sent["id"].as_str().expect("an id").to_owned()
    }

    /// Another call of the SDK, and what it returns.
    pub async fn sdk(&mut self, method: &str, args: Value) -> Value {
        self.does("sdk", json!({"method": method, "args": args})).await
    }

    /// Waits for an event of that name with that operation.
    pub async fn hears_of(&mut self, event: &str, operation: &str) -> Value {
        self.hears(event, |data| data["operation"] == operation).await
    }

    /// Waits for an event of that name that fits.
    pub async fn hears(&mut self, event: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut place = 0;
        loop {
            while place < self.heard.len() {
                if self.heard[place]["event"] == event && fits(&self.heard[place]["data"]) {
                    return self.heard.remove(place)["data"].take();
                }
                place += 1;
            }
            let line = self.line().await;
            self.heard.push(line);
        }
    }

    /// Waits for a text.
    pub async fn hears_text(&mut self, text: &str) -> Value {
        self.hears("onTextMessage", |message| message["msg"] == text).await
    }

    /// How often it has heard a text, as of a text that it hears after it.
    pub fn count(&self, text: &str) -> usize {
        self.heard.iter().filter(|line| line["event"] == "onTextMessage" && line["data"]["msg"] == text).count()
    }
}

/// A text message.
pub fn text(to: &str, kind: &str, msg: &str) -> Value {
    json!({"type": "txt", "chatType": kind, "to": to, "msg": msg})
}
