//! An event as sessions get it.

use std::sync::Arc;

use tidings_domain::{App, Caller, Error};
use tidings_proto::pb;

use crate::{
    Gateway,
    agora::feed::{FeedEvent, names_in},
};

/// An event with the names in it. Shared by all sessions that get it.
pub(crate) struct Event {
    pub event: FeedEvent,
    /// As in the REST feed, without the callers' addresses: one JSON object.
    pub json: String,
}

/// The events of one response of the feed that concern a session.
#[derive(Clone)]
pub(crate) struct Batch {
    pub events: Vec<Arc<Event>>,
    /// The feed's cursor after them.
    pub cursor: Arc<str>,
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
    let names = names_in(gateway, &Caller::of_app(app.id), &events).await?;
    let exts_array = app.policy.agora_custom_exts_array;
    let event = |event: FeedEvent| Arc::new(Event { json: event.line_for_users(&names, exts_array), event });
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
        Self { event: FeedEvent::read(wire).expect("an event"), json: "{}".to_owned() }
    }
}
