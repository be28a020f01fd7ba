//! One client's socket, from its first frame to its end.

use std::{future::pending, time::Duration};

use axum::{
    body::Bytes,
    extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code},
};
use futures_util::{
    FutureExt as _, SinkExt as _, StreamExt as _,
    future::BoxFuture,
    stream::{SplitSink, SplitStream},
};
use serde_json::value::RawValue;
use tidings_dialects::agora::Refusal;
use tidings_domain::{Actor, Caller, Error, Platform, Reason, UserId};
use tidings_proto::pb::app_ref;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::{
    Peer,
    commands::{Client, Command, base_of},
    frames::{self, Auth, BadFrame, ClientFrame, Conversation, ServerFrame, text_of},
};
use crate::{
    Gateway, agora,
    connection::Busy,
    identity::Who,
    realtime::{
        catch_up::CatchUp,
        event::Batch,
        hub::Entered,
        session::{Ending, Item, Joined},
    },
};

/// How long a client may take to say who it is.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often the server sends a ping.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How long nothing may come from a client that is sent pings.
const SILENCE: Duration = Duration::from_secs(75);
/// How long a frame may take to be written.
const WRITE: Duration = Duration::from_secs(20);
/// How often a token is checked again.
const CHECK: Duration = Duration::from_secs(4);
/// Clients of a stopping process are told within this time, spread evenly, so that they do not reconnect all at once.
const SPREAD: Duration = Duration::from_secs(3);

/// A socket before its client has said who it is.
pub(super) struct Socket {
    gateway: Gateway,
    peer: Peer,
    sink: SplitSink<WebSocket, Message>,
    stream: SplitStream<WebSocket>,
    /// Where the client continues when it comes back.
    cursor: Option<String>,
}

/// Why a connection ends.
enum End {
    /// The client has gone.
    Gone,
    /// It is told, with a close code and a word.
    Told(u16, &'static str),
    /// A frame says why, before the close code.
    Refused(u16, String),
}

/// The client's token opens nothing any more.
const UNAUTHORIZED: u16 = 4401;
/// The client read too slowly, or the server cannot go on: it continues from its cursor.
const TRY_AGAIN: u16 = close_code::AGAIN;

impl Socket {
    pub fn new(gateway: Gateway, peer: Peer, socket: WebSocket) -> Self {
        let (sink, stream) = socket.split();
        Self { gateway, peer, sink, stream, cursor: None }
    }

    /// Until the client goes, or is sent away.
    pub async fn run(mut self) {
        // Not closed in favour of another connection.
        let _busy = self.peer.connection.as_ref().map(Busy::new);
        let end = match self.serve().await {
            Ok(()) => End::Gone,
            Err(end) => end,
        };
        let (code, word) = match end {
            End::Gone => {
                // Answers the client's close frame, if it sent one.
                let _ = timeout(WRITE, self.sink.close()).await;
                return;
            }
            End::Told(code, word) => {
                let closing = ServerFrame::Closing { reason: word, cursor: self.cursor.as_deref() };
                let _ = self.write(text_of(&closing)).await;
                (code, word)
            }
            End::Refused(code, frame) => {
                let _ = self.write(frame).await;
                (code, "refused")
            }
        };
        let close = Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(word) }));
        let _ = timeout(WRITE, self.sink.send(close)).await;
    }

    async fn serve(&mut self) -> Result<(), End> {
        let (client, username, user, since) = self.handshake().await?;
        let (gateway, identity) = (self.gateway.clone(), client.identity.clone());
        let entered = gateway.hub().enter(&gateway, &identity.app, &client.caller, user).await;
        let mut entered = entered.map_err(|error| refused(TRY_AGAIN, &error))?;
        entered.inbox.skip_to_entered().await.map_err(ending)?;
        self.ready(&username, since.is_none().then(|| entered.cursor.to_string())).await?;
        if let Some(since) = since {
            self.catch_up(&client, (user, &since), &entered).await?;
        }
        self.cursor = Some(entered.cursor.to_string());
        self.follow(client, &mut entered).await
    }

    /// The first frame names the app and has the token of a user.
    async fn handshake(&mut self) -> Result<(Client, String, UserId, Option<String>), End> {
        let first = timeout(HANDSHAKE, self.read()).await;
        let first = first.map_err(|_| End::Told(close_code::POLICY, "no auth frame within 10 seconds"))??;
        let auth = match frames::parse(&first) {
            Ok(ClientFrame::Auth(auth)) => auth,
            Ok(_) => {
                let error = Error::invalid("type", "of the first frame must be auth");
                return Err(End::Refused(close_code::POLICY, frames::bad(&BadFrame { id: None, error })));
            }
            Err(bad) => return Err(End::Refused(close_code::POLICY, frames::bad(&bad))),
        };
        self.authenticated(auth).await.map_err(|error| refused(UNAUTHORIZED, &error))
    }

    async fn authenticated(&self, auth: Auth<'_>) -> Result<(Client, String, UserId, Option<String>), Error> {
        let app = app_ref::App::AppKey(auth.app.clone().into_owned());
        let identity = self.gateway.identities().of(app, &auth.token).await?;
        let Who::User { id, username } = &identity.who else {
            return Err(Error::invalid("token", "must be a user's token"));
        };
        let actor = Actor::User(*id);
        let caller = Caller { app: identity.app.id, actor, address: self.peer.address, platform: Platform::RestApi };
        let base = base_of(&self.peer.base, &identity.app.org, &identity.app.name);
        let token = auth.token.into_owned();
        let (id, username) = (*id, username.clone());
        let client = Client { gateway: self.gateway.clone(), identity, caller, base, token };
        Ok((client, username, id, auth.cursor.map(|cursor| cursor.into_owned())))
    }

    async fn ready(&mut self, user: &str, cursor: Option<String>) -> Result<(), End> {
        let heartbeat_seconds = HEARTBEAT.as_secs();
        self.write(text_of(&ServerFrame::Ready { user, cursor: cursor.as_deref(), heartbeat_seconds })).await
    }

    /// What happened since the client's cursor, up to where its session entered the feed.
    async fn catch_up(&mut self, client: &Client, (user, since): (UserId, &str), entered: &Entered) -> Result<(), End> {
        // A cursor that is none is the client's fault; it cannot be repeated with success.
        let failed = |error: Error| match error.reason() {
            Reason::InvalidArgument => {
                let error = Error::invalid("cursor", "is not a cursor of this app");
                End::Refused(close_code::POLICY, frames::bad(&BadFrame { id: None, error }))
            }
            _ => refused(TRY_AGAIN, &error),
        };
        let past = CatchUp::open(&self.gateway, &client.caller, since, &entered.cursor).await.map_err(failed)?;
        self.past(client, user, past).await?;
        // Only now is the client up to date: before, its own cursor is the one to continue from.
        self.events(&[], Some(&entered.cursor)).await
    }

    /// What happened in a group or room since the user entered it, while the feed had not said so yet.
    async fn joined(&mut self, client: &Client, joined: &Joined) -> Result<(), End> {
        match CatchUp::of_joined(&self.gateway, &client.caller, joined).await {
            Ok(past) => self.past(client, client.caller.actor.user(), past).await,
            // The user has left again, or the group has ended.
            Err(error) if matches!(error.reason(), Reason::NotGroupMember | Reason::GroupNotFound) => Ok(()),
            Err(error) => Err(refused(TRY_AGAIN, &error)),
        }
    }

    async fn past(&mut self, client: &Client, user: UserId, mut past: CatchUp) -> Result<(), End> {
        let (gateway, app) = (self.gateway.clone(), &client.identity.app);
        let failed = |error: Error| refused(TRY_AGAIN, &error);
        while let Some(part) = past.next(&gateway, app).await.map_err(failed)? {
            if !part.incomplete.is_empty() {
                let others = part.incomplete.iter().filter_map(|conversation| conversation.peer_of(user));
                let names = agora::names_of(&gateway, &client.caller, others).await.map_err(failed)?;
                let named = |user| names.of(user);
                let conversations = part.incomplete.iter().map(|missed| Conversation::of(*missed, user, named));
                let frame = ServerFrame::Missed { conversations: conversations.collect() };
                self.write(text_of(&frame)).await?;
            }
            let events: Vec<&str> = part.events.iter().map(|event| event.json.as_str()).collect();
            self.events(&events, None).await?;
        }
        Ok(())
    }

    async fn events(&mut self, events: &[&str], cursor: Option<&str>) -> Result<(), End> {
        if events.is_empty() && cursor.is_none() {
            return Ok(());
        }
        let raw = events.iter().map(|json| serde_json::from_str::<&RawValue>(json).expect("it was written as JSON"));
        self.write(text_of(&ServerFrame::Events { events: raw.collect(), cursor })).await
    }

    /// Until the connection ends. One command at a time, in their order; events go on meanwhile.
    async fn follow(&mut self, client: Client, entered: &mut Entered) -> Result<(), End> {
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut check = interval(CHECK);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard_at = Instant::now();
        let mut command: Option<BoxFuture<'static, String>> = None;
        let stopping = self.gateway.stopping().clone();
        let draining = async {
            stopping.draining().await;
            sleep(SPREAD.mul_f64(share(client.caller.actor.user()))).await;
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
                item = entered.inbox.next() => match item.map_err(ending)? {
                    Item::Batch(batch) => self.batch(&batch).await?,
                    Item::Joined(joined) => self.joined(&client, &joined).await?,
                    Item::Entered => {}
                },
                answer = answered => {
                    command = None;
                    self.write(answer).await?;
                }
                frame = self.stream.next(), if is_free => {
                    heard_at = Instant::now();
                    let text = match frame {
                        Some(Ok(Message::Text(text))) => text,
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                        Some(Ok(Message::Binary(_))) => {
                            let error = Error::invalid("frame", "must be text");
                            self.write(frames::bad(&BadFrame { id: None, error })).await?;
                            continue;
                        }
                        Some(Err(error)) => return Err(broken(error)),
                        Some(Ok(Message::Close(_))) | None => return Ok(()),
                    };
                    match frames::parse(&text) {
                        Ok(ClientFrame::Ping) => self.write(text_of(&ServerFrame::Pong {})).await?,
                        Ok(ClientFrame::Auth(_)) => {
                            let error = Error::invalid("type", "auth is only the first frame");
                            self.write(frames::bad(&BadFrame { id: None, error })).await?;
                        }
                        Ok(frame) => {
                            command = Command::of(frame).map(|command| command.carry_out(client.clone()).boxed());
                        }
                        Err(bad) => self.write(frames::bad(&bad)).await?,
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
                        Err(error) if !error.reason().is_transient() => return Err(refused(UNAUTHORIZED, &error)),
                        Ok(_) | Err(_) => {}
                    }
                }
                () = &mut draining => return Err(End::Told(close_code::RESTART, "the server restarts")),
            }
        }
    }

    async fn batch(&mut self, batch: &Batch) -> Result<(), End> {
        let events: Vec<&str> = batch.events.iter().map(|event| event.json.as_str()).collect();
        self.events(&events, Some(&batch.cursor)).await?;
        self.cursor = Some(batch.cursor.to_string());
        Ok(())
    }

    /// The next text frame.
    async fn read(&mut self) -> Result<Utf8Bytes, End> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_))) => return Err(End::Told(close_code::UNSUPPORTED, "frames are text")),
                Some(Err(error)) => return Err(broken(error)),
                Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
            }
        }
    }

    async fn write(&mut self, text: String) -> Result<(), End> {
        self.send(Message::Text(text.into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
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

fn refused(code: u16, error: &Error) -> End {
    End::Refused(code, frames::error(None, &Refusal::from(error)))
}

const fn ending(why: Ending) -> End {
    match why {
        Ending::TooSlow => End::Told(TRY_AGAIN, "the client reads too slowly"),
        Ending::FeedLost => End::Told(TRY_AGAIN, "the feed is interrupted"),
    }
}

/// A fraction from 0 to 1 that spreads users evenly.
fn share(user: UserId) -> f64 {
    let mixed = (user.0 as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    mixed as f64 / f64::from(1_u32 << 24)
}
