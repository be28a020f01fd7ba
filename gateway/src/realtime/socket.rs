//! One client's socket, from its first frame to its end, whatever its wire format.

use std::{future::pending, time::Duration};

use axum::{
    body::Bytes,
    extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code},
};
use futures_util::{
    SinkExt as _, StreamExt as _,
    future::BoxFuture,
    stream::{SplitSink, SplitStream},
};
use tidings_domain::{Error, UserId};
use tidings_proto::pb::app_ref;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::{client::Client, endpoint::Peer, hub::Entered, session::Item, wire::Wire};
use crate::{Gateway, connection::Busy};

/// How long a client may take to say who it is.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often the server sends a ping.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(30);
/// How long nothing may come from a client that is sent pings.
const SILENCE: Duration = Duration::from_secs(75);
/// How long a frame may take to be written.
const WRITE: Duration = Duration::from_secs(20);
/// How often a token is checked again.
const CHECK: Duration = Duration::from_secs(4);
/// Clients of a stopping process are told within this time, spread evenly, so that they do not reconnect all at once.
const SPREAD: Duration = Duration::from_secs(3);

/// A client's connection.
pub(super) struct Socket {
    pub gateway: Gateway,
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
    /// A frame says why, before the close code.
    Refused(u16, Message),
    /// Its token opens nothing any more.
    Unauthorized(Error),
    /// A new session of the same device has taken its place.
    Replaced,
}

/// The client's token opens nothing any more.
pub(super) const UNAUTHORIZED: u16 = 4401;
/// A new session of the same device.
const REPLACED: u16 = 4409;
/// The client read too slowly, or the server cannot go on: it continues from its cursor.
pub(super) const TRY_AGAIN: u16 = close_code::AGAIN;

impl Socket {
    pub fn new(gateway: Gateway, peer: Peer, socket: WebSocket) -> Self {
        let (sink, stream) = socket.split();
        Self { gateway, peer, sink, stream }
    }

    /// Until the client goes, or is sent away.
    pub async fn run<W: Wire>(mut self) {
        // Not closed in favour of another connection.
        let _busy = self.peer.connection.as_ref().map(Busy::new);
        let logged_in = timeout(HANDSHAKE, W::log_in(&mut self)).await;
        let (end, last) = match logged_in.unwrap_or(Err(End::Told(close_code::POLICY, W::LATE))) {
            Ok((client, mut wire)) => {
                let end = self.serve(&client, &mut wire).await.err().unwrap_or(End::Gone);
                let last = wire.closing(&end);
                wire.ended(&client).await;
                (end, last)
            }
            Err(end) => {
                let last = W::closing_early(&end);
                (end, last)
            }
        };
        self.close(end, last).await;
    }

    async fn close(mut self, end: End, last: Option<Message>) {
        if let Some(last) = last {
            let _ = self.send(last).await;
        }
        let (code, word) = match end {
            End::Gone => {
                // Answers the client's close frame, if it sent one.
                let _ = timeout(WRITE, self.sink.close()).await;
                return;
            }
            End::Told(code, word) => (code, word),
            End::Refused(code, frame) => {
                let _ = self.send(frame).await;
                (code, "refused")
            }
            End::Unauthorized(_) => (UNAUTHORIZED, "refused"),
            End::Replaced => (REPLACED, "replaced"),
        };
        let close = Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(word) }));
        let _ = timeout(WRITE, self.sink.send(close)).await;
    }

    async fn serve<W: Wire>(&mut self, client: &Client, wire: &mut W) -> Result<(), End> {
        let entered = self.gateway.hub().enter(&self.gateway, client).await;
        let mut entered = entered.map_err(|error| End::Refused(TRY_AGAIN, wire.refused(&error)))?;
        entered.inbox.skip_to_entered().await?;
        wire.start(self, client, &entered).await?;
        self.follow(client, wire, &mut entered).await
    }

    /// Until the connection ends. One command at a time, in their order; events go on meanwhile.
    async fn follow<W: Wire>(&mut self, client: &Client, wire: &mut W, entered: &mut Entered) -> Result<(), End> {
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut check = interval(CHECK);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard_at = Instant::now();
        let mut command: Option<BoxFuture<'static, W::Answer>> = None;
        let stopping = self.gateway.stopping().clone();
        let draining = async {
            stopping.draining().await;
            sleep(SPREAD.mul_f64(share(client.user))).await;
        };
        tokio::pin!(draining);
        loop {
            let is_free = command.is_none();
            let answered = async {
                match &mut command {
                    Some(command) => command.await,
                    None => pending().await,
                }
            };
            tokio::select! {
                item = entered.inbox.next(wire.takes_events()) => match item? {
                    Item::Batch(batch) => wire.batch(self, client, batch).await?,
                    Item::Signal(signal) => wire.signal(self, &signal).await?,
                    Item::Joined(joined) => wire.joined(self, client, &joined).await?,
                    Item::Entered => {}
                },
                answer = answered => {
                    command = None;
                    wire.answer(self, client, answer).await?;
                }
                frame = self.stream.next(), if is_free => {
                    heard_at = Instant::now();
                    match frame {
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Err(error)) => return Err(broken(error)),
                        Some(Ok(Message::Close(_))) | None => return Ok(()),
                        Some(Ok(message)) => command = wire.frame(self, client, message).await?,
                    }
                }
                _ = heartbeat.tick() => {
                    if heard_at.elapsed() > SILENCE {
                        return Err(End::Told(close_code::AWAY, "no sign of life"));
                    }
                    self.send(Message::Ping(Bytes::new())).await?;
                }
                _ = check.tick() => {
                    let app = app_ref::App::Id(client.caller.app.0);
                    match self.gateway.identities().of(app, &client.token).await {
                        Err(error) if !error.reason().is_transient() => return Err(End::Unauthorized(error)),
                        Ok(_) | Err(_) => {}
                    }
                    wire.tick(self, client).await?;
                }
                () = &mut draining => return Err(End::Told(close_code::RESTART, "the server restarts")),
            }
        }
    }

    /// The next text or binary frame.
    pub async fn read(&mut self) -> Result<Message, End> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Err(error)) => return Err(broken(error)),
                Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
                Some(Ok(message)) => return Ok(message),
            }
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
    let is_too_large = matches!(cause.downcast_ref(), Some(tungstenite::Error::Capacity(_)));
    if is_too_large { End::Told(close_code::SIZE, "the frame is too large") } else { End::Gone }
}

/// A fraction from 0 to 1 that spreads users evenly.
fn share(user: UserId) -> f64 {
    let mixed = (user.0 as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48;
    f64::from(mixed as u16) / f64::from(u16::MAX)
}
