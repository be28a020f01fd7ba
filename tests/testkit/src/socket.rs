//! A client of `/tidings/ws`.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::{
    TestApp,
    dial::{Duplex, dial},
};

/// How long a client waits for what must come.
const PATIENCE: Duration = Duration::from_mins(1);

/// A connected client.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<Box<dyn Duplex>>,
    /// Where it would continue.
    pub cursor: Option<String>,
    /// Events that came before something else that was waited for.
    waiting: Vec<Value>,
}

impl Socket {
    /// Connects, and says nothing yet.
    ///
    /// # Panics
    /// When the server refuses the connection.
    pub async fn connect(url: &str) -> Self {
        Self::over(dial(url).await, url).await
    }

    /// The same over an open connection.
    ///
    /// # Panics
    /// When the server refuses it.
    pub async fn over(stream: Box<dyn Duplex>, url: &str) -> Self {
        let address = format!("{}/tidings/ws", url.replacen("http", "ws", 1));
        let (stream, _) = client_async(address, stream).await.expect("a WebSocket");
        Self { stream, cursor: None, waiting: Vec::new() }
    }

    /// Connects as the user of a token, from now on or from a cursor, and waits until it is ready.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn open(app: &TestApp, token: &str, cursor: Option<&str>) -> Self {
        Self::open_at(&app.suite.url(), app, token, cursor).await
    }

    /// The same at the gateway with that URL.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn open_at(url: &str, app: &TestApp, token: &str, cursor: Option<&str>) -> Self {
        Self::authenticated(url, app, &json!({"token": token, "device": "test", "cursor": cursor})).await
    }

    /// Connects as a device with that name, of that kind.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn open_device(url: &str, app: &TestApp, token: &str, (device, platform): (&str, &str)) -> Self {
        Self::authenticated(url, app, &json!({"token": token, "device": device, "platform": platform})).await
    }

    async fn authenticated(url: &str, app: &TestApp, with: &Value) -> Self {
        Self::connect(url).await.authenticate(app, with).await
    }

    /// Says who it is, and waits until it is ready.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn authenticate(mut self, app: &TestApp, with: &Value) -> Self {
        let socket = &mut self;
        let mut auth = with.clone();
        auth["type"] = json!("auth");
        auth["app"] = json!(format!("{}#{}", app.app().org, app.app().name));
        socket.send(&auth).await;
        let ready = socket.next().await.expect("an answer");
        assert_eq!(ready["type"], "ready", "{ready}");
        self
    }

    /// Sends a frame.
    ///
    /// # Panics
    /// When the connection is closed.
    pub async fn send(&mut self, frame: &Value) {
        self.send_text(&frame.to_string()).await;
    }

    /// Sends any text.
    ///
    /// # Panics
    /// When the connection is closed.
    pub async fn send_text(&mut self, text: &str) {
        self.stream.send(Message::text(text.to_owned())).await.expect("an open connection");
    }

    /// Sends bytes, which are no frame.
    ///
    /// # Panics
    /// When the connection is closed.
    pub async fn send_bytes(&mut self, bytes: &'static [u8]) {
        self.stream.send(Message::binary(bytes)).await.expect("an open connection");
    }

    /// The next frame, or the close code.
    ///
    /// # Panics
    /// When nothing comes.
    pub async fn next(&mut self) -> Result<Value, u16> {
        loop {
            let message = timeout(PATIENCE, self.stream.next()).await.expect("a frame within a minute");
            match message {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).expect("frames are JSON");
                    if let Some(cursor) = frame["cursor"].as_str() {
                        self.cursor = Some(cursor.to_owned());
                    }
                    return Ok(frame);
                }
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(1005, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(1006),
            }
        }
    }

    /// The next frame of a type; others are skipped, but their events are kept for [`Self::events`] and [`Self::event`].
    ///
    /// # Panics
    /// When the connection is closed before.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await.unwrap_or_else(|code| panic!("closed with {code} before {kind}"));
            if frame["type"] == kind {
                return frame;
            }
            self.waiting.extend(frame["events"].as_array().into_iter().flatten().cloned());
        }
    }

    /// The next events, at least one.
    ///
    /// # Panics
    /// When the connection is closed before.
    pub async fn events(&mut self) -> Vec<Value> {
        if !self.waiting.is_empty() {
            return std::mem::take(&mut self.waiting);
        }
        loop {
            let frame = self.next_of("events").await;
            let events = frame["events"].as_array().expect("events").clone();
            if !events.is_empty() {
                return events;
            }
        }
    }

    /// The next event of a kind; those before it are skipped, those behind it kept.
    ///
    /// # Panics
    /// When the connection is closed before.
    pub async fn event(&mut self, kind: &str) -> Value {
        loop {
            let mut events = self.events().await;
            if let Some(at) = events.iter().position(|event| event["kind"] == kind) {
                self.waiting = events.split_off(at + 1);
                return events.remove(at);
            }
        }
    }

    /// The code with which the server closes the connection; frames before it are skipped.
    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }
}
