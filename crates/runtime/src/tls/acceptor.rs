//! TLS of accepted connections: the handshake, with its deadline.

use std::{
    io,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::ServerConfig;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy, sink},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::{
    configs::{Configs, Protocol},
    maybe::MaybeTls,
};
use crate::{
    Admitted,
    metrics::{FailedHandshake, metrics},
    paced::Paced,
};

/// The timeout of a handshake, from the first byte to the last.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The type of the first record of a handshake (RFC 8446, 5.1).
const HANDSHAKE_RECORD: u8 = 22;
/// Bytes of a refused client that are read and dropped: otherwise it would get a reset instead of the refusal.
const DROPPED: u64 = 64 * 1024;
/// How long that may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// The answer to REST in plain text.
const PLAIN_TEXT: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 39\r\nconnection: close\r\n\r\n\
    this address speaks TLS: use https://\r\n";

/// Makes connections ready for HTTP. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Acceptor {
    /// Absent: there is no TLS.
    current: Option<Arc<RwLock<Arc<Configs>>>>,
    protocol: Protocol,
}

impl Acceptor {
    /// Of a listener without TLS.
    pub const fn plain() -> Self {
        Self { current: None, protocol: Protocol::Http1 }
    }

    pub(super) const fn new(current: Arc<RwLock<Arc<Configs>>>, protocol: Protocol) -> Self {
        Self { current: Some(current), protocol }
    }

    /// Whether it speaks TLS.
    pub fn shakes_hands(&self) -> bool {
        self.config().is_some()
    }

    /// A connection that is ready for HTTP; with TLS, after its handshake. `None`: the handshake failed, or was not complete
    /// in time, or another connection needed the slot.
    pub async fn accept(&self, admitted: Admitted) -> Option<Admitted> {
        let Some((config, asks_clients)) = self.config() else {
            return Some(admitted);
        };
        let (address, (stream, place)) = (admitted.peer(), admitted.into_parts());
        let MaybeTls::Plain(stream) = stream else { return None };
        let shaken = tokio::select! {
            shaken = timeout(HANDSHAKE, self.shake(stream, config)) => shaken.unwrap_or(Err(FailedHandshake::Late)),
            () = place.closing() => Err(FailedHandshake::Evicted),
        };
        match shaken {
            Ok(stream) => stream.map(|stream| Admitted::over(stream, place)),
            Err(failed) => {
                metrics().tls.failed(&failed);
                let address = address.map(|address| address.ip().to_string());
                // Failures are normal on a public listener; on an internal one each may be worth a look.
                if asks_clients {
                    tracing::warn!(address, %failed, "a TLS handshake failed");
                } else {
                    tracing::debug!(address, %failed, "a TLS handshake failed");
                }
                None
            }
        }
    }

    /// With whether clients need a certificate.
    fn config(&self) -> Option<(Arc<ServerConfig>, bool)> {
        let configs = Arc::clone(&self.current.as_ref()?.read().unwrap_or_else(PoisonError::into_inner));
        let asks_clients = configs.asks_clients && self.protocol == Protocol::Http2;
        Some((configs.listener(self.protocol)?, asks_clients))
    }

    /// `None`: the client sent nothing, like a load balancer's connection check.
    async fn shake(
        &self,
        mut stream: Paced<TcpStream>,
        config: Arc<ServerConfig>,
    ) -> Result<Option<MaybeTls<Paced<TcpStream>>>, FailedHandshake> {
        let mut first = [0];
        let Ok(1) = stream.get_ref().peek(&mut first).await else {
            return Ok(None);
        };
        if first[0] != HANDSHAKE_RECORD {
            let answer = if self.protocol == Protocol::Http1 { PLAIN_TEXT } else { b"" };
            turn_away(&mut stream, answer).await;
            return Err(FailedHandshake::PlainText);
        }
        match TlsAcceptor::from(config).accept(stream).into_fallible().await {
            Ok(stream) => Ok(Some(MaybeTls::Tls(Box::new(stream.into())))),
            Err((error, mut stream)) => {
                turn_away(&mut stream, b"").await;
                Err(FailedHandshake::Refused(error.to_string()))
            }
        }
    }
}

/// Ends a connection so that its client can read why. Whether it reads it does not matter.
async fn turn_away(stream: &mut Paced<TcpStream>, answer: &[u8]) {
    let farewell = async {
        stream.write_all(answer).await?;
        stream.shutdown().await?;
        copy(&mut stream.take(DROPPED), &mut sink()).await?;
        Ok::<_, io::Error>(())
    };
    let _ = timeout(FAREWELL, farewell).await;
}
