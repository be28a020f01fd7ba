//! A client of `/websocket`, whose packets are binary.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// How long a client waits for what must come.
const PATIENCE: Duration = Duration::from_mins(1);

/// A connected client.
#[derive(Debug)]
pub struct PacketSocket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl PacketSocket {
    /// Connects, and says nothing yet.
    ///
    /// # Panics
    /// When the server refuses the connection.
    pub async fn connect(url: &str) -> Self {
        let address = format!("{}/websocket", url.replacen("http", "ws", 1));
        Self(connect_async(address).await.expect("a WebSocket").0)
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
