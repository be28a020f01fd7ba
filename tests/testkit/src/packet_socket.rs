//! A client of `/websocket`, whose packets are binary.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::timeout;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::dial::{Duplex, dial};

/// How long a client waits for what must come.
const PATIENCE: Duration = Duration::from_mins(1);

/// A connected client.
#[derive(Debug)]
pub struct PacketSocket(WebSocketStream<Box<dyn Duplex>>);

impl PacketSocket {
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
        let address = format!("{}/websocket", url.replacen("http", "ws", 1));
        Self(client_async(address, stream).await.expect("a WebSocket").0)
    }

    /// Sends a packet; one that comes too late is lost.
    pub async fn send(&mut self, packet: Vec<u8>) {
        let _ = self.0.send(Message::binary(packet)).await;
    }

    /// The next packet, or the close code.
    ///
    /// # Panics
    /// When nothing comes.
    pub async fn next(&mut self) -> Result<Vec<u8>, u16> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("a packet within a minute") {
                Some(Ok(Message::Binary(packet))) => return Ok(packet.to_vec()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(1005, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(1006),
            }
        }
    }
}
