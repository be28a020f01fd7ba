//! Records that messages were pinned and unpinned, for the event feed.
//!
//! Each report has an idempotency key of its own: the conversation, and the report's number there.

use std::collections::BTreeSet;

use tidings_domain::{AppId, ConversationId, Error, EventKind, MsgId, UnixMillis, UserId};

use super::append_reported::append_reported;
use crate::{
    Deps,
    appender::lane,
    origin::Origin,
    store::{event::NewEvent, key::Key},
};

/// The scope of the keys.
const SCOPE: &str = "pin";

/// A message that was pinned or unpinned.
#[derive(Debug, Clone)]
pub struct Pin {
    /// Unique in the conversation.
    pub number: i64,
    pub user: UserId,
    pub conversation: ConversationId,
    pub msg_id: MsgId,
    /// False: it was unpinned.
    pub pinned: bool,
    pub at: UnixMillis,
    pub origin: Origin,
}

impl Pin {
    fn key(&self, app: AppId) -> Key {
        let (a, b) = self.conversation.key();
        Key { app, scope: SCOPE.to_owned(), key: format!("{a}/{b}/{}", self.number) }
    }
}

/// Adds an event for each new report, in their order.
pub async fn report_pins(deps: &Deps, app: AppId, pins: Vec<Pin>) -> Result<(), Error> {
    let keys: BTreeSet<Key> = pins.iter().map(|pin| pin.key(app)).collect();
    if keys.len() != pins.len() {
        return Err(Error::invalid("pins", "must have distinct numbers"));
    }
    append_reported(deps, app, pins.iter().map(|pin| (pin.key(app), event(app, pin))).collect()).await
}

fn event(app: AppId, pin: &Pin) -> NewEvent<'_> {
    NewEvent {
        app,
        lane: lane(pin.conversation),
        kind: if pin.pinned { EventKind::Pinned } else { EventKind::Unpinned },
        made_at: pin.at,
        conversation: pin.conversation,
        msg_id: pin.msg_id,
        actor: pin.user,
        body: None,
        reason: None,
        edits: 0,
        origin: &pin.origin,
    }
}
