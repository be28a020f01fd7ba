//! A client of `/tidings/ws`.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use crate::Fault;

/// A connected client.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// Where it would continue.
    pub cursor: Option<String>,
}

/// What a load run reads of a frame.
#[derive(Debug, Deserialize)]
pub struct Frame {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub events: Vec<Event>,
    pub cursor: Option<String>,
    pub error_description: Option<String>,
}

/// What it reads of an event.
#[derive(Debug, Deserialize)]
pub struct Event {
    pub kind: String,
    #[serde(default)]
    pub msg_id: String,
    #[serde(default)]
    pub seq: i64,
}

impl Frame {
    /// The numbers of the messages in it, in their conversations.
    pub fn sent(&self) -> Result<impl Iterator<Item = i64>, Fault> {
        match self.kind.as_str() {
            "error" | "missed" | "closing" => {
                let why = self.error_description.as_deref().unwrap_or("nobody expected it");
                Err(format!("{}: {why}", self.kind).into())
            }
            _ => Ok(self.events.iter().filter(|event| event.kind == "message.sent").map(|event| event.seq)),
        }
    }
}

impl Socket {
    /// Connects and waits until it is ready.
    pub async fn open(address: SocketAddr, app: &str, token: &str, cursor: Option<&str>) -> Result<Self, Fault> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
        let url = format!("ws://{address}/tidings/ws");
        let (stream, _) = client_async_with_config(url, stream, Some(config)).await?;
        let mut socket = Self { stream, cursor: None };
        let auth = json!({"type": "auth", "app": app, "token": token, "device": "load", "cursor": cursor});
        socket.stream.send(Message::text(auth.to_string())).await?;
        let ready = socket.next().await?;
        if ready.kind == "ready" { Ok(socket) } else { Err(format!("not ready: {ready:?}").into()) }
    }

    /// The next frame.
    pub async fn next(&mut self) -> Result<Frame, Fault> {
        loop {
            match self.stream.next().await.ok_or("the connection was closed")?? {
                Message::Text(text) => {
                    let frame: Frame = serde_json::from_str(&text)?;
                    if frame.cursor.is_some() {
                        self.cursor.clone_from(&frame.cursor);
                    }
                    return Ok(frame);
                }
                Message::Close(why) => return Err(format!("the connection was closed: {why:?}").into()),
                _ => {}
            }
        }
    }
}
