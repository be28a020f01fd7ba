//! `GET /{org}/{app}/tidings/events`: the event feed, by long poll or as server-sent events (decision 10).
//!
//! At least once: a client that continues from a cursor used before gets the same events again, with the same ids.

use std::{collections::HashSet, convert::Infallible, time::Duration};

use axum::{body::Body, extract::State, response::Response};
use bytes::Bytes;
use futures_util::{Stream, stream};
use http::{
    HeaderValue,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE},
};
use prost::Message as _;
use tidings_dialects::agora::{self as codec, EventRecord, FeedQuery, Names, Refusal};
use tidings_domain::{Caller, Change, ConversationId, Error, Message, MsgId, Reason, UserId};
use tidings_proto::{
    error_from_status, moment_or_zero,
    pb::{self, change::Change as Wire},
};
use tidings_runtime::context;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::Streaming;

use super::context::RequestContext;
use crate::{Gateway, reply::refused, request::header};

/// The media type of server-sent events.
const EVENT_STREAM: &str = "text/event-stream";
/// Where a client that lost its connection continues; takes precedence over the query.
const LAST_EVENT_ID: &str = "last-event-id";
/// Maximum number of events read at once for a stream.
const BATCH: i32 = 100;
/// Keep-alive interval, so that no proxy considers the connection dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The pause before a broken feed is reopened.
const PAUSE: Duration = Duration::from_millis(100);

/// `GET /tidings/events`.
pub(crate) async fn events(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    if !header(&context.headers, ACCEPT.as_str()).is_some_and(|accept| accept.contains(EVENT_STREAM)) {
        let outcome = poll(&gateway, &context).await;
        return context.answer(&gateway, outcome).await;
    }
    match stream_of(&gateway, &context).await {
        Ok(response) => context.with_rates(response),
        Err(refusal) => context.answer(&gateway, Err(refusal)).await,
    }
}

async fn poll(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let query = codec::feed_query(&context.query)?;
    // Clients that do not wait get all existing events, however long it takes to read them.
    let until = Instant::now() + if query.wait.is_zero() { HEARTBEAT } else { query.wait };
    let exts_array = identity.app.policy.agora_custom_exts_array;
    let mut feed = Feed::open(gateway, caller, (query.limit, exts_array), query).await?;
    let mut events = Vec::new();
    while events.is_empty()
        && let Ok(Some(reply)) = timeout_at(until, feed.next()).await
    {
        events = feed.lines(reply?).await?;
    }
    let lines: Vec<String> = events.into_iter().map(|(_, line)| line).collect();
    Ok(codec::feed(&context.call(&identity.app), context.timing(gateway), &lines, &feed.cursor))
}

async fn stream_of(gateway: &Gateway, context: &RequestContext) -> Result<Response, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let mut query = codec::feed_query(&context.query)?;
    query.wait = HEARTBEAT;
    if let Some(last) = header(&context.headers, LAST_EVENT_ID).filter(|last| !last.is_empty()) {
        last.clone_into(&mut query.after);
    }
    let exts_array = identity.app.policy.agora_custom_exts_array;
    let feed = Feed::open(gateway, caller, (BATCH, exts_array), query).await?;
    let mut response = Response::new(Body::from_stream(frames(feed)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The feed as server-sent events. Of a batch of events only the last has their cursor as its id, so a client that lost
/// its connection within it gets all of them again.
fn frames(feed: Feed) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(Some(feed), |feed| async move {
        let mut feed = feed?;
        let Ok(reply) = timeout_at(Instant::now() + HEARTBEAT, feed.next()).await else {
            return Some((Ok(Bytes::from_static(b":\n\n")), Some(feed)));
        };
        let lines = match reply? {
            Ok(reply) => feed.lines(reply).await,
            Err(error) => Err(error),
        };
        match lines {
            Ok(lines) => Some((Ok(frame(&lines, &feed.cursor)), Some(feed))),
            // The client reconnects and gets the error then, if it persists.
            Err(error) => {
                tracing::debug!(%error, "a stream of events ended");
                None
            }
        }
    })
}

fn frame(lines: &[(String, String)], cursor: &str) -> Bytes {
    let mut out = String::new();
    for (place, (kind, line)) in lines.iter().enumerate() {
        if place + 1 == lines.len() {
            out.extend(["id: ", cursor, "\n"]);
        }
        out.extend(["event: ", kind, "\ndata: ", line, "\n\n"]);
    }
    if lines.is_empty() {
        // The current cursor, for a client that reconnects before the first event.
        out.extend(["id: ", cursor, "\n\n"]);
    }
    Bytes::from(out)
}

async fn replies(
    gateway: &Gateway,
    caller: &Caller,
    request: &pb::EventsRequest,
) -> Result<Streaming<pb::EventsResponse>, Error> {
    let replies = gateway.clients().message.clone().events(context::request(caller, request.clone())).await;
    Ok(replies.map_err(refused)?.into_inner())
}

/// The feed of an app, with the names of the users in it.
struct Feed {
    gateway: Gateway,
    caller: Caller,
    replies: Streaming<pb::EventsResponse>,
    request: pb::EventsRequest,
    exts_array: bool,
    /// The cursor after what was read.
    cursor: String,
}

impl Feed {
    /// Opens it, and waits until it has reached its start.
    async fn open(
        gateway: &Gateway,
        caller: Caller,
        (batch, exts_array): (i32, bool),
        query: FeedQuery,
    ) -> Result<Self, Error> {
        let FeedQuery { after, kinds, wait, .. } = query;
        let request = pb::EventsRequest { after, kinds, follow: !wait.is_zero(), batch };
        let mut replies = replies(gateway, &caller, &request).await?;
        let first = replies.message().await.map_err(refused)?.unwrap_or_default();
        Ok(Self { gateway: gateway.clone(), caller, replies, request, exts_array, cursor: first.cursor })
    }

    /// `None`: it has ended, or the server stops.
    async fn next(&mut self) -> Option<Result<pb::EventsResponse, Error>> {
        let stopping = self.gateway.stopping().clone();
        tokio::select! {
            () = stopping.triggered() => None,
            reply = self.read() => reply,
        }
    }

    /// A stopping or dying process does not end it: another one continues after what was read.
    async fn read(&mut self) -> Option<Result<pb::EventsResponse, Error>> {
        loop {
            let why = match self.replies.message().await.map_err(error_from_status) {
                Ok(Some(reply)) => return Some(Ok(reply)),
                Ok(None) if !self.request.follow => return None,
                Ok(None) => None,
                Err(error) if error.reason() != Reason::Unavailable => return Some(Err(error)),
                Err(error) => Some(error),
            };
            tracing::debug!(?why, "the feed is continued from another process");
            sleep(PAUSE).await;
            self.request.after.clone_from(&self.cursor);
            match replies(&self.gateway, &self.caller, &self.request).await {
                Ok(replies) => self.replies = replies,
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Kind and JSON of each event.
    async fn lines(&mut self, reply: pb::EventsResponse) -> Result<Vec<(String, String)>, Error> {
        let events = reply.events.into_iter().map(FeedEvent::read).collect::<Result<Vec<_>, _>>()?;
        let names = names_in(&self.gateway, &self.caller, &events).await?;
        self.cursor = reply.cursor;
        let line = |event: FeedEvent| (event.line(&names, self.exts_array), event.wire.kind);
        Ok(events.into_iter().map(line).map(|(line, kind)| (kind, line)).collect())
    }
}

/// The names of the users in the events.
pub(crate) async fn names_in(gateway: &Gateway, caller: &Caller, events: &[FeedEvent]) -> Result<Names, Error> {
    let mut people: HashSet<UserId> = HashSet::new();
    for event in events {
        let sender = event.of.map_or(event.actor, |(_, sender)| sender);
        let peer = event.conversation.and_then(|conversation| conversation.peer_of(sender));
        let changed = event.change.iter().flat_map(Change::people);
        people.extend([event.actor, sender].into_iter().chain(peer).chain(changed));
    }
    super::people::names(gateway, caller, [], people).await
}

/// An event as read.
pub(crate) struct FeedEvent {
    /// Without change, and without a message that has content.
    pub wire: pb::Event,
    pub conversation: Option<ConversationId>,
    pub change: Option<Change>,
    pub actor: UserId,
    pub message: Option<Message>,
    /// Number and sender of the message, if known.
    pub of: Option<(i64, UserId)>,
    /// The receivers of the message, if it is for some members of its group only. Empty: for everybody, or unknown.
    pub audience: Vec<UserId>,
    /// The bytes that it came with.
    pub bytes: usize,
}

impl FeedEvent {
    pub fn read(mut wire: pb::Event) -> Result<Self, Error> {
        let bytes = wire.encoded_len();
        let conversation = wire.conversation.map(TryInto::try_into).transpose()?;
        let change = wire.change.take().map(TryInto::try_into).transpose()?;
        let message = wire.message.take();
        let of = message.as_ref().map(|message| (message.seq, UserId(message.sender_id)));
        let audience = message.iter().flat_map(|message| &message.audience_ids).copied().map(UserId).collect();
        let (message, bare) = match message {
            Some(message) if message.content.is_some() => (Some(message.try_into()?), None),
            bare => (None, bare),
        };
        wire.message = bare;
        Ok(Self { conversation, change, actor: UserId(wire.actor_id), message, of, audience, bytes, wire })
    }

    /// Whether a user of the conversation may see its message.
    pub fn is_message_for(&self, user: UserId) -> bool {
        let is_sender = self.of.is_some_and(|(_, sender)| sender == user);
        is_sender || self.audience.is_empty() || self.audience.contains(&user)
    }

    /// As one line of JSON, for the app.
    fn line(&self, names: &Names, exts_array: bool) -> String {
        codec::happened(&self.happened(), names, exts_array)
    }

    /// The same for users, without the client addresses of others.
    pub fn line_for_users(&self, names: &Names, exts_array: bool) -> String {
        codec::happened(&EventRecord { origin: ("", "", ""), ..self.happened() }, names, exts_array)
    }

    /// As over gRPC, for users, without the other users that it concerns.
    pub fn wire_for_users(&self) -> pb::Event {
        let mut wire = self.wire.clone();
        wire.message = self.message.clone().map(Into::into).or(wire.message);
        wire.change = self.change.clone().map(Into::into);
        if let Some(pb::Change { change: Some(Wire::PresenceChanged(presence)), .. }) = &mut wire.change {
            presence.subscriber_ids.clear();
        }
        for origin in [&mut wire.address, &mut wire.platform, &mut wire.trace] {
            origin.clear();
        }
        wire
    }

    fn happened(&self) -> EventRecord<'_> {
        let wire = &self.wire;
        EventRecord {
            id: &wire.id,
            kind: &wire.kind,
            at: moment_or_zero(wire.at),
            conversation: self.conversation,
            change: self.change.as_ref(),
            msg_id: MsgId(wire.msg_id),
            actor: self.actor,
            message: self.message.as_ref(),
            of: self.of,
            origin: (&wire.address, &wire.platform, &wire.trace),
            refused: (&wire.reason, &wire.reason_detail),
            reaction: wire.reaction.as_ref().map(|it| (it.reaction_id, it.reaction.as_str(), it.count)),
        }
    }
}
