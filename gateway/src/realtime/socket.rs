//! One client's socket, whatever its wire format.

use std::{io, sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use tidings_domain::Error;
use tokio::time::timeout;

use super::{hub::Hub, peer::Peer};
use crate::Gateway;

/// How often the server sends a ping.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(30);
/// How long a frame may take to be written.
const WRITE: Duration = Duration::from_secs(20);
/// The same of the last frames to a client that has not read for long.
const LAST_WRITE: Duration = Duration::from_secs(1);
/// The client reads too slowly.
pub(super) const TOO_SLOW: &str = "the client reads too slowly";

/// A client's connection.
pub(super) struct Socket {
    pub gateway: Gateway,
    pub hub: Arc<Hub>,
    pub peer: Peer,
    sink: SplitSink<WebSocket, Message>,
    stream: SplitStream<WebSocket>,
}

/// Why a connection ends.
pub(super) enum End {
    /// The client has gone.
    Gone,
    /// It is told, with a close code and a word.
    Told(u16, &'static str),
    /// A frame says why, if the wire format has one for it, before the close code.
    Refused(u16, Option<Message>),
    /// Its token opens nothing any more.
    Unauthorized(Error),
    /// A new session of the same device has taken its place.
    Replaced,
    /// The app, or the user, ended the session.
    Kicked,
    /// The user's password was changed.
    PasswordChanged(Error),
}

impl End {
    /// How long each of the last frames may take to be written.
    fn last_write(&self) -> Duration {
        match self {
            Self::Gone | Self::Told(_, TOO_SLOW) => LAST_WRITE,
            _ => WRITE,
        }
    }

    /// The reason, for the numbers.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Gone => "the client has gone",
            Self::Told(_, word) => word,
            Self::Refused(..) => "refused",
            Self::Unauthorized(_) => "unauthorized",
            Self::Replaced => "replaced",
            Self::Kicked => "kicked",
            Self::PasswordChanged(_) => "password changed",
        }
    }
}

/// The client's token opens nothing any more.
pub(super) const UNAUTHORIZED: u16 = 4401;
/// The app, or the user, ended the session.
const KICKED: u16 = 4403;
/// A new session of the same device.
const REPLACED: u16 = 4409;
/// The client read too slowly, or the server cannot go on: it continues from its cursor.
pub(super) const TRY_AGAIN: u16 = close_code::AGAIN;

impl Socket {
    pub fn new(gateway: Gateway, hub: Arc<Hub>, peer: Peer, socket: WebSocket) -> Self {
        let (sink, stream) = socket.split();
        Self { gateway, hub, peer, sink, stream }
    }

    /// Closes it, after a last frame.
    pub async fn close(mut self, end: End, last: Option<Message>) {
        let most = end.last_write();
        if let Some(last) = last {
            let _ = timeout(most, self.sink.send(last)).await;
        }
        let (code, word) = match end {
            End::Gone => {
                // Answers the client's close frame, if it sent one.
                let _ = timeout(most, self.sink.close()).await;
                return;
            }
            End::Told(code, word) => (code, word),
            End::Refused(code, frame) => {
                if let Some(frame) = frame {
                    let _ = timeout(most, self.sink.send(frame)).await;
                }
                (code, "refused")
            }
            End::Unauthorized(_) | End::PasswordChanged(_) => (UNAUTHORIZED, "refused"),
            End::Kicked => (KICKED, "disconnected"),
            End::Replaced => (REPLACED, "replaced"),
        };
        let close = Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(word) }));
        let _ = timeout(most, self.sink.send(close)).await;
    }

    /// The next text or binary frame.
    pub async fn read(&mut self) -> Result<Message, End> {
        loop {
            if let Some(message) = self.heard().await? {
                return Ok(message);
            }
        }
    }

    /// The next sign of life: a text or binary frame, or `None` for a ping or pong. Cancel safe.
    pub async fn heard(&mut self) -> Result<Option<Message>, End> {
        match self.stream.next().await {
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
            Some(Err(error)) => Err(broken(error)),
            Some(Ok(Message::Close(_))) | None => Err(End::Gone),
            Some(Ok(message)) => Ok(Some(message)),
        }
    }

    /// Writes a frame.
    pub async fn send(&mut self, message: Message) -> Result<(), End> {
        match timeout(WRITE, self.sink.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }
}

/// A client whose frame is too large is told.
fn broken(error: axum::Error) -> End {
    let cause = error.into_inner();
    let is_too_large = match cause.downcast_ref() {
        Some(tungstenite::Error::Capacity(_)) => true,
        // More than a client may send before it has logged in.
        Some(tungstenite::Error::Io(error)) => error.kind() == io::ErrorKind::FileTooLarge,
        _ => false,
    };
    if is_too_large { End::Told(close_code::SIZE, "the frame is too large") } else { End::Gone }
}
