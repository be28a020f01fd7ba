//! One client's socket, for any wire format.

use std::{io, sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use tidings_domain::Error;
use tokio::time::timeout;

use super::{
    hub::Hub,
    peer::Peer,
    sockjs::{self, Framing, SockJs},
};
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
    /// Present where packets are wrapped.
    sock_js: Option<Box<SockJs>>,
}

/// Why a connection ends.
pub(super) enum End {
    /// The client has disconnected.
    Gone,
    /// The client gets a close code and a reason.
    CloseCode(u16, &'static str),
    /// A frame says why, if the wire format has one for it, before the close code.
    Refused(u16, Option<Message>),
    /// Its token is no longer valid.
    Unauthorized(Error),
    /// A new session of the same device has taken its place; what that one's client says.
    Replaced(Arc<str>),
    /// The app, or the user, ended the session.
    Kicked,
    /// The user's password was changed.
    PasswordChanged(Error),
}

impl End {
    /// How long each of the last frames may take to be written.
    fn last_write(&self) -> Duration {
        match self {
            Self::Gone | Self::CloseCode(_, TOO_SLOW) => LAST_WRITE,
            _ => WRITE,
        }
    }

    /// The reason, for the numbers.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Gone => "the client has gone",
            Self::CloseCode(_, word) => word,
            Self::Refused(..) => "refused",
            Self::Unauthorized(_) => "unauthorized",
            Self::Replaced(_) => "replaced",
            Self::Kicked => "kicked",
            Self::PasswordChanged(_) => "password changed",
        }
    }
}

/// The client's token is no longer valid.
pub(super) const UNAUTHORIZED: u16 = 4401;
/// The app, or the user, ended the session.
const KICKED: u16 = 4403;
/// A new session of the same device.
const REPLACED: u16 = 4409;
/// The client read too slowly, or the server cannot continue: the client resumes from its cursor.
pub(super) const TRY_AGAIN: u16 = close_code::AGAIN;

impl Socket {
    pub fn new(gateway: Gateway, hub: Arc<Hub>, peer: Peer, (socket, framing): (WebSocket, Framing)) -> Self {
        let (sink, stream) = socket.split();
        let sock_js = (framing == Framing::SockJs).then(Box::default);
        Self { gateway, hub, peer, sink, stream, sock_js }
    }

    /// Before the first frame of the client, if it waits for one.
    pub async fn greet(&mut self) -> Result<(), End> {
        if self.sock_js.is_some() { self.send(sockjs::opened()).await } else { Ok(()) }
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
            End::CloseCode(code, word) => (code, word),
            End::Refused(code, frame) => {
                if let Some(frame) = frame {
                    let _ = timeout(most, self.sink.send(frame)).await;
                }
                (code, "refused")
            }
            End::Unauthorized(_) | End::PasswordChanged(_) => (UNAUTHORIZED, "refused"),
            End::Kicked => (KICKED, "disconnected"),
            End::Replaced(_) => (REPLACED, "replaced"),
        };
        if self.sock_js.is_some() {
            let _ = self.send(sockjs::closed(code, word)).await;
        }
        let close = Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(word) }));
        let _ = timeout(most, self.sink.send(close)).await;
    }

    /// The next text or binary frame.
    pub async fn read(&mut self) -> Result<Message, End> {
        loop {
            if let Some(message) = self.receive().await? {
                return Ok(message);
            }
        }
    }

    /// The next sign of life: a text or binary frame, or `None` for a ping or pong. Cancel safe.
    pub async fn receive(&mut self) -> Result<Option<Message>, End> {
        if let Some(packet) = self.sock_js.as_mut().and_then(|sock_js| sock_js.pop()) {
            return Ok(Some(packet));
        }
        match self.stream.next().await {
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
            Some(Err(error)) => Err(broken(error)),
            Some(Ok(Message::Close(_))) | None => Err(End::Gone),
            Some(Ok(message)) => {
                let Some(sock_js) = &mut self.sock_js else { return Ok(Some(message)) };
                if !sock_js.take(&message) {
                    return Err(End::CloseCode(close_code::INVALID, "this is no frame of SockJS"));
                }
                Ok(sock_js.pop())
            }
        }
    }

    /// Writes a frame.
    pub async fn send(&mut self, message: Message) -> Result<(), End> {
        let message = if self.sock_js.is_some() { sockjs::wrapped(message) } else { message };
        match timeout(WRITE, self.sink.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }
}

/// The error for a frame that is too large.
fn broken(error: axum::Error) -> End {
    let cause = error.into_inner();
    let is_too_large = match cause.downcast_ref() {
        Some(tungstenite::Error::Capacity(_)) => true,
        // More than a client may send before it has logged in.
        Some(tungstenite::Error::Io(error)) => error.kind() == io::ErrorKind::FileTooLarge,
        _ => false,
    };
    if is_too_large { End::CloseCode(close_code::SIZE, "the frame is too large") } else { End::Gone }
}
