//! MSync packets on a socket.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use axum::extract::ws::{Message, close_code};
use futures_util::{FutureExt as _, future::BoxFuture};
use tidings_dialects::agora::msync::{
    self as codec, Frame, Login, Outcome, Parting, Queue, app_key, login_outcome, operation,
};
use tidings_domain::{ConversationId, Error, MsgId, Reason, UnixMillis};

use super::{
    commands::{Done, carry_out, refuse},
    entries::{entries_of, is_sent},
    missed::{is_pending, pending},
    offline::add_undelivered,
    own::Own,
    position::{Place, Position},
    queues::{Entry, Queues},
    saved::{save, saved},
};
use crate::{
    Gateway,
    realtime::{
        catch_up::CatchUp,
        client::Client,
        event::{Batch, Event},
        hub::{Entered, Hub},
        session::{Joined, Signal},
        socket::{End, Socket, TRY_AGAIN, UNAUTHORIZED},
        wire::Wire,
    },
};

/// A change is in the feed within this time; what was asked so long before a position may be told twice.
const LATE_CHANGES: Duration = Duration::from_secs(10);
/// Conversations whose newest message is remembered.
const MOST_CONVERSATIONS: usize = 1_000;

/// The packets of one device.
pub(super) struct MsyncWire {
    app_key: String,
    device: String,
    user: String,
    queues: Queues,
    own: Own,
    position: Position,
    /// Up to where the feed was taken, while something of it is held back.
    taken: Option<Place>,
    /// What it began with: not delivered again when the feed brings it.
    first: HashSet<MsgId>,
    /// The newest message of each conversation that was for this session.
    newest: HashMap<ConversationId, MsgId>,
    /// The client has asked what it has: before, it is not told of anything, since it would fetch it twice.
    has_asked: bool,
    gateway: Gateway,
    hub: Arc<Hub>,
}

impl Wire for MsyncWire {
    type Answer = Done;

    const LATE: &'static str = "no provision within 10 seconds";

    async fn log_in(socket: &mut Socket) -> Result<(Client, Self), End> {
        let login = match codec::parse(&bytes_of(socket.read().await?)?) {
            Ok(Frame::Login(login)) => login,
            Ok(_) => return Err(End::Told(close_code::POLICY, "the first packet must be a provision")),
            Err(error) => return Err(refused("", &error)),
        };
        let Login { app_key: app, name, token, device } = login;
        let client = Client::of(&socket.gateway, &socket.peer, &app, &token, &device).await;
        let client = client.map_err(|error| refused(&device, &known(error)))?;
        if !client.username.eq_ignore_ascii_case(&name) {
            return Err(refused(&device, &Error::new(Reason::TokenForeign, "")));
        }
        let (gateway, hub) = (socket.gateway.clone(), Arc::clone(&socket.hub));
        // Keys grow over the sessions of a device.
        let queues = Queues::above(gateway.now().0.unsigned_abs() << 10);
        let (app_key, user) = (app_key(client.app()), client.username.to_ascii_lowercase());
        Ok((
            client,
            Self {
                app_key,
                device,
                user,
                queues,
                own: Own::default(),
                position: Position::default(),
                taken: None,
                first: HashSet::new(),
                newest: HashMap::new(),
                has_asked: false,
                gateway,
                hub,
            },
        ))
    }

    fn refused(&self, error: &Error) -> Message {
        binary(codec::login_refused(&self.device, login_outcome(error)))
    }

    async fn start(&mut self, socket: &mut Socket, client: &Client, entered: &Entered) -> Result<(), End> {
        let begun = self.begin(client, entered).await;
        begun.map_err(|error| End::Refused(TRY_AGAIN, self.refused(&error)))?;
        socket.send(binary(codec::logged_in(&self.device, client.identity.expires_at()))).await
    }

    fn takes_events(&self) -> bool {
        self.queues.has_room()
    }

    async fn batch(&mut self, socket: &mut Socket, client: &Client, batch: Batch) -> Result<(), End> {
        self.take(batch.events, client);
        self.taken = Some(Place { cursor: batch.cursor, at: self.gateway.now() });
        self.move_on();
        self.tell(socket).await
    }

    async fn joined(&mut self, socket: &mut Socket, client: &Client, joined: &Joined) -> Result<(), End> {
        let failed = |error: Error| {
            tracing::debug!(%error, "what a new member missed cannot be read");
            End::Told(TRY_AGAIN, "the feed is interrupted")
        };
        let mut past = match CatchUp::of_joined(&client.gateway, &client.caller, joined).await {
            Ok(past) => past,
            // The user has left again, or the group has ended.
            Err(error) if matches!(error.reason(), Reason::NotGroupMember | Reason::GroupNotFound) => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        while let Some(part) = past.next(&client.gateway, client.app()).await.map_err(failed)? {
            self.take(part.events, client);
        }
        self.tell(socket).await
    }

    async fn signal(&mut self, socket: &mut Socket, signal: &Signal) -> Result<(), End> {
        let entry = Entry { meta: signal.msync.clone(), delivers: None };
        self.queues.push(Queue::of_user(&signal.peer), entry);
        self.tell(socket).await
    }

    async fn frame(
        &mut self,
        socket: &mut Socket,
        client: &Client,
        message: Message,
    ) -> Result<Option<BoxFuture<'static, Done>>, End> {
        let frame = codec::parse(&bytes_of(message)?);
        match frame.map_err(|_| End::Told(close_code::INVALID, "this is no packet of this protocol"))? {
            Frame::Unread => {
                self.has_asked = true;
                let queues = self.queues.untold();
                socket.send(binary(codec::unread(&self.app_key, &queues, self.gateway.now()))).await?;
            }
            Frame::Pull { queue, key } => return self.pull(socket, client, &queue, key).await,
            Frame::Send(meta) => {
                let id = meta.id.unwrap_or_default();
                match operation(&meta, &client.app().policy) {
                    Ok(operation) => {
                        self.own.begin();
                        let session = (Arc::clone(&self.hub), self.app_key.clone());
                        return Ok(Some(carry_out(operation, id, client.clone(), session).boxed()));
                    }
                    Err(outcome) => socket.send(binary(refuse(id, outcome, self.gateway.now()))).await?,
                }
            }
            Frame::Logout => {
                socket.send(binary(codec::logged_out())).await?;
                return Err(End::Told(close_code::NORMAL, "logged out"));
            }
            // A client that repeats its login is logged in.
            Frame::Login(_) => {
                socket.send(binary(codec::logged_in(&self.device, client.identity.expires_at()))).await?;
            }
            Frame::Other => {}
        }
        Ok(None)
    }

    async fn answer(&mut self, socket: &mut Socket, client: &Client, answer: Done) -> Result<(), End> {
        if let Some(packet) = answer.packet {
            socket.send(binary(packet)).await?;
        }
        let held = self.own.done(answer.is_sent, &answer.messages);
        self.take(held, client);
        self.move_on();
        self.tell(socket).await
    }

    async fn tick(&mut self, socket: &mut Socket, client: &Client) -> Result<(), End> {
        self.position.acknowledged(self.queues.oldest());
        if let Some(place) = self.position.due() {
            save(client, &place).await;
        }
        // Whoever does not ask is told all the same.
        self.has_asked = true;
        self.tell(socket).await
    }

    fn closing(&self, end: &End) -> Option<Message> {
        let why = match end {
            End::Replaced => Parting::Replaced,
            End::Unauthorized(error) => match error.reason() {
                Reason::UserNotFound | Reason::UserDisabled => Parting::Removed,
                Reason::TokenRevoked => Parting::Kicked,
                // The client knows when its token ends.
                _ => return None,
            },
            End::Gone | End::Told(..) | End::Refused(..) => return None,
        };
        let now = self.gateway.now();
        Some(binary(codec::parting(&self.app_key, &self.user, codec::parted(why, now), now)))
    }

    async fn ended(mut self, client: &Client) {
        self.position.acknowledged(self.queues.oldest());
        if let Some(place) = self.position.last() {
            save(client, &place).await;
        }
    }
}

impl MsyncWire {
    /// What waits for the device: a known one continues where it was.
    async fn begin(&mut self, client: &Client, entered: &Entered) -> Result<(), Error> {
        let (now, saved) = (self.gateway.now(), saved(client).await?);
        let continued = match &saved {
            Some(saved) => self.continue_from(client, &saved.cursor, &entered.cursor).await?,
            None => false,
        };
        if !continued {
            let added = add_undelivered(client, &mut self.queues, &self.app_key).await?;
            for (conversation, msg_id) in added {
                self.first.insert(msg_id);
                self.saw(conversation, msg_id);
            }
        }
        let since = saved.map_or(UnixMillis(0), |saved| UnixMillis(saved.at.0 - LATE_CHANGES.as_millis() as i64));
        for (queue, entry) in pending(client, since, &self.app_key).await? {
            self.queues.push(queue, entry);
        }
        self.taken = Some(Place { cursor: Arc::clone(&entered.cursor), at: now });
        self.move_on();
        Ok(())
    }

    /// What was taken of the feed is in the queues, unless something is held back.
    fn move_on(&mut self) {
        if self.own.holds_nothing()
            && let Some(place) = self.taken.take()
        {
            self.position.came(place, self.queues.last_key());
        }
    }

    /// False: there is no such cursor any more.
    async fn continue_from(&mut self, client: &Client, after: &str, upto: &str) -> Result<bool, Error> {
        let mut past = match CatchUp::open(&client.gateway, &client.caller, after, upto).await {
            Err(error) if error.reason() == Reason::InvalidArgument => return Ok(false),
            past => past?,
        };
        while self.queues.has_room() {
            match past.next(&client.gateway, client.app()).await {
                Ok(Some(mut part)) => {
                    part.events.retain(|event| !event.event.change.as_ref().is_some_and(is_pending));
                    self.take(part.events, client);
                }
                Ok(None) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn take(&mut self, events: Vec<Arc<Event>>, client: &Client) {
        for event in events {
            let wire = &event.event.wire;
            let (msg_id, conversation) = (MsgId(wire.msg_id), event.event.conversation);
            if is_sent(&event) {
                if self.first.remove(&msg_id) {
                    continue;
                }
                let is_stored = event.event.of.is_some_and(|(seq, _)| seq > 0);
                conversation.filter(|_| is_stored).into_iter().for_each(|place| self.saw(place, msg_id));
            }
            if let Some(event) = self.own.pass(event, client.user) {
                let newest = conversation.and_then(|conversation| self.newest.get(&conversation));
                let has_all = newest.is_some_and(|newest| msg_id >= *newest);
                for (queue, entry) in entries_of(&event, client.user, has_all, &self.app_key) {
                    self.queues.push(queue, entry);
                }
            }
        }
    }

    fn saw(&mut self, conversation: ConversationId, msg_id: MsgId) {
        if self.newest.len() >= MOST_CONVERSATIONS {
            self.newest.clear();
        }
        let newest = self.newest.entry(conversation).or_insert(msg_id);
        *newest = msg_id.max(*newest);
    }

    async fn tell(&mut self, socket: &mut Socket) -> Result<(), End> {
        if self.has_asked {
            for (queue, _) in self.queues.untold() {
                socket.send(binary(codec::notice(&self.app_key, &queue))).await?;
            }
        }
        Ok(())
    }

    async fn pull(
        &mut self,
        socket: &mut Socket,
        client: &Client,
        queue: &Queue,
        key: Option<u64>,
    ) -> Result<Option<BoxFuture<'static, Done>>, End> {
        let pulled = self.queues.pull(queue, key);
        let now = self.gateway.now();
        let packet = match pulled.page {
            Some((metas, next_key)) => codec::page(&self.app_key, queue, metas, next_key, now),
            None => codec::last_page(&self.app_key, queue, now),
        };
        socket.send(binary(packet)).await?;
        Ok(pulled.delivered.map(|(conversation, msg_id)| {
            let client = client.clone();
            let mark = async move {
                if let Err(error) = client.mark_delivered(Some(conversation), msg_id).await {
                    tracing::debug!(%error, "a delivered mark did not move");
                }
                Done::silently()
            };
            mark.boxed()
        }))
    }
}

fn binary(packet: Vec<u8>) -> Message {
    Message::Binary(packet.into())
}

fn bytes_of(message: Message) -> Result<axum::body::Bytes, End> {
    match message {
        Message::Binary(bytes) => Ok(bytes),
        _ => Err(End::Told(close_code::UNSUPPORTED, "packets are binary")),
    }
}

fn refused(device: &str, error: &Error) -> End {
    let why: Outcome = login_outcome(error);
    End::Refused(UNAUTHORIZED, binary(codec::login_refused(device, why)))
}

/// An app's own token is no login of a user.
fn known(error: Error) -> Error {
    if error.reason() == Reason::InvalidArgument { Error::new(Reason::TokenForeign, "") } else { error }
}
