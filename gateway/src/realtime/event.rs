//! An event as sessions get it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tidings_dialects::agora::{Names, Reaction, msync::GroupState};
use tidings_domain::{App, Caller, ConversationId, Error, EventKind, Priority, UnixMillis, UserId};
use tidings_proto::pb;

use super::{
    details::{Details, details},
    memory::Held,
    recipients::{Recipients, recipients},
    waiting::Amount,
};
use crate::{
    Gateway,
    agora::{
        self,
        feed::{FeedEvent, names_in},
    },
};

/// An event with the names in it. Shared by all sessions that get it.
pub(crate) struct Event {
    pub event: FeedEvent,
    /// The names of the users in it.
    pub names: Arc<Names>,
    exts_array: bool,
    /// The group that a change is about.
    pub place: GroupState,
    /// The reactions that the message of a reaction has now.
    pub reactions: Vec<Reaction>,
    json: OnceLock<String>,
    /// As entries of an MSync queue, for all whom a change does not name.
    pub msync: OnceLock<Vec<Bytes>>,
    /// A room message that is dropped first under load.
    is_low: bool,
    _held: Held,
}

impl Event {
    fn new(event: FeedEvent, (names, exts_array): (Arc<Names>, bool), details: Details, held: Held) -> Self {
        let Details { place, reactions } = details;
        let (json, msync, is_low) = (OnceLock::new(), OnceLock::new(), is_low(&event));
        Self { event, names, exts_array, place, reactions, json, msync, is_low, _held: held }
    }

    /// The users whose sessions get it.
    pub(super) fn recipients(&self) -> Recipients {
        match recipients(&self.event) {
            Recipients::Users(users) => Recipients::Users([users, self.place.deciders.clone()].concat()),
            others => others,
        }
    }

    /// As in the REST feed, without the callers' addresses: one JSON object, made once for all sessions.
    pub fn json(&self) -> &str {
        self.json.get_or_init(|| self.event.line_for_users(&self.names, self.exts_array))
    }
}

/// The events of one response of the feed that concern a session.
#[derive(Clone)]
pub(crate) struct Batch {
    pub events: Vec<Arc<Event>>,
    /// Whom they concern: the place of an event, and a user whose session has this inbox.
    pub users: Vec<(usize, UserId)>,
    /// The groups that users joined with them, whose past must be read as well.
    pub joined: Vec<Joined>,
    /// Rooms of which messages were dropped, each with the user that they were for.
    pub missed: Vec<(ConversationId, UserId)>,
    /// The feed's cursor after them. A client that continues from there must have what is to be read.
    pub cursor: Arc<str>,
}

/// A group or room that a user entered while connected.
#[derive(Debug, Clone)]
pub(crate) struct Joined {
    pub user: UserId,
    pub conversation: ConversationId,
    /// Messages from before are not the new member's.
    pub since: UnixMillis,
    /// Everything later is handed to the session.
    pub upto: Arc<str>,
}

impl Batch {
    pub fn new(cursor: &Arc<str>) -> Self {
        let (events, users, joined, missed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { events, users, joined, missed, cursor: Arc::clone(cursor) }
    }

    /// How much it is.
    pub(super) fn amount(&self) -> Amount {
        let bytes = self.events.iter().map(|event| event.event.bytes).sum();
        Amount { events: self.events.len(), bytes }
    }

    /// Drops room messages of low level, and names their rooms instead. Returns how many.
    pub fn drop_low(&mut self) -> usize {
        if !self.events.iter().any(|event| event.is_low) {
            return 0;
        }
        let before = std::mem::take(&mut self.events);
        let mut places: Vec<Result<usize, Option<ConversationId>>> = Vec::with_capacity(before.len());
        for event in before {
            if event.is_low {
                places.push(Err(event.event.conversation));
            } else {
                places.push(Ok(self.events.len()));
                self.events.push(event);
            }
        }
        let dropped = places.len() - self.events.len();
        for (place, user) in std::mem::take(&mut self.users) {
            match places.get(place) {
                Some(Ok(place)) => self.users.push((*place, user)),
                Some(Err(Some(room))) if !self.missed.contains(&(*room, user)) => self.missed.push((*room, user)),
                _ => {}
            }
        }
        dropped
    }

    /// Adds an event for a user; the same one for several users follow each other.
    pub fn add(&mut self, event: &Arc<Event>, user: UserId) {
        if self.events.last().is_none_or(|last| !Arc::ptr_eq(last, event)) {
            self.events.push(Arc::clone(event));
        }
        self.users.push((self.events.len() - 1, user));
    }
}

fn is_low(event: &FeedEvent) -> bool {
    let kind = EventKind::of_name(&event.wire.kind);
    matches!(kind, Some(EventKind::Sent | EventKind::Online))
        && matches!(event.conversation, Some(ConversationId::Room(_)))
        && event.message.as_ref().is_some_and(|message| message.delivery.priority == Priority::Low)
}

/// The events of a response. One that cannot be read (of a newer version) is left out, so that it does not hold up the
/// others.
pub(crate) fn read(events: Vec<pb::Event>) -> Vec<FeedEvent> {
    let read = events.into_iter().map(FeedEvent::read);
    read.filter_map(|event| event.inspect_err(|error| tracing::warn!(%error, "an event was left out")).ok()).collect()
}

/// The events as sessions get them.
pub(crate) async fn rendered(gateway: &Gateway, app: &App, events: Vec<FeedEvent>) -> Result<Vec<Arc<Event>>, Error> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let caller = Caller::of_app(app.id);
    let details = details(gateway, &caller, &events).await?;
    let mut names = names_in(gateway, &caller, &events).await?;
    let reactors: Vec<UserId> =
        details.iter().flat_map(|details| &details.reactions).flat_map(|reaction| reaction.users.clone()).collect();
    if !reactors.is_empty() {
        let found = agora::names_of(gateway, &caller, reactors.iter().copied()).await?;
        names.extend(reactors.into_iter().map(|user| (user, found.of(user))));
    }
    let (names, exts_array) = (Arc::new(names), app.policy.agora_custom_exts_array);
    let event = |(event, details): (FeedEvent, Details)| {
        let held = gateway.event_memory().hold(event.bytes);
        Arc::new(Event::new(event, (Arc::clone(&names), exts_array), details, held))
    };
    Ok(events.into_iter().zip(details).map(event).collect())
}

#[cfg(test)]
impl Event {
    /// A read mark, for tests.
    pub fn example() -> Self {
        let conversation =
            Some(tidings_domain::ConversationId::direct(tidings_domain::UserId(16), tidings_domain::UserId(32)));
        let wire = pb::Event {
            id: "m0-1".to_owned(),
            kind: "conversation.read".to_owned(),
            conversation: conversation.map(Into::into),
            ..Default::default()
        };
        Self::new(
            FeedEvent::read(wire).expect("an event"),
            (Arc::default(), false),
            Details::default(),
            Held::default(),
        )
    }

    /// A message of low level in a room.
    pub fn example_of_low_level(room: tidings_domain::RoomId) -> Self {
        let mut event = Self::example();
        event.event.conversation = Some(ConversationId::Room(room));
        event.is_low = true;
        event
    }

    /// One that came with so many bytes.
    pub fn example_of(bytes: usize) -> Self {
        let mut event = Self::example();
        event.event.bytes = bytes;
        event
    }
}
