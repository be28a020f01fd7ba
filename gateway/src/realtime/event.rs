//! An event as sessions get it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tidings_dialects::agora::Names;
use tidings_domain::{App, Caller, Error, UserId};
use tidings_proto::pb;

use crate::{
    Gateway,
    agora::feed::{FeedEvent, names_in},
};

/// An event with the names in it. Shared by all sessions that get it.
pub(crate) struct Event {
    pub event: FeedEvent,
    /// The names of the users in it.
    pub names: Arc<Names>,
    exts_array: bool,
    json: OnceLock<String>,
    /// As an entry of an MSync queue; `None`: it is none.
    pub msync: OnceLock<Option<Bytes>>,
}

impl Event {
    fn new(event: FeedEvent, names: Arc<Names>, exts_array: bool) -> Self {
        Self { event, names, exts_array, json: OnceLock::new(), msync: OnceLock::new() }
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
    /// The feed's cursor after them.
    pub cursor: Arc<str>,
}

impl Batch {
    pub fn new(cursor: &Arc<str>) -> Self {
        Self { events: Vec::new(), users: Vec::new(), cursor: Arc::clone(cursor) }
    }

    /// Adds an event for a user; the same one for several users follow each other.
    pub fn add(&mut self, event: &Arc<Event>, user: UserId) {
        if self.events.last().is_none_or(|last| !Arc::ptr_eq(last, event)) {
            self.events.push(Arc::clone(event));
        }
        self.users.push((self.events.len() - 1, user));
    }
}

/// The events of a response. One that cannot be read (of a newer version) is left out, so that it does not hold up the
/// others.
pub(crate) fn read(events: Vec<pb::Event>) -> Vec<FeedEvent> {
    let read = events.into_iter().map(FeedEvent::read);
    read.filter_map(|event| event.inspect_err(|error| tracing::warn!(%error, "an event is left out")).ok()).collect()
}

/// The events as sessions get them.
pub(crate) async fn rendered(gateway: &Gateway, app: &App, events: Vec<FeedEvent>) -> Result<Vec<Arc<Event>>, Error> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let names = Arc::new(names_in(gateway, &Caller::of_app(app.id), &events).await?);
    let exts_array = app.policy.agora_custom_exts_array;
    let event = |event: FeedEvent| Arc::new(Event::new(event, Arc::clone(&names), exts_array));
    Ok(events.into_iter().map(event).collect())
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
        Self::new(FeedEvent::read(wire).expect("an event"), Arc::default(), false)
    }
}
