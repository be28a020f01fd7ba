//! Records that messages were pinned and unpinned, for the event feed.
//!
//! Each report has an idempotency key of its own: the conversation, and the report's number there.

use std::{collections::BTreeSet, time::Duration};

use tidings_domain::{AppId, ConversationId, Error, EventKind, MsgId, UnixMillis, UserId};
use tidings_runtime::Hint;

use crate::{
    Deps,
    appender::lane,
    origin::Origin,
    store::{
        event::{self, NewEvent},
        key::{self, Key, NewKey},
    },
};

/// How long repeated reports are recognized.
const KNOWN: Duration = Duration::from_hours(7 * 24);
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
pub async fn report_pins(deps: &Deps, app: AppId, mut pins: Vec<Pin>) -> Result<(), Error> {
    let now = deps.clock.now();
    let keys: BTreeSet<Key> = pins.iter().map(|pin| pin.key(app)).collect();
    if keys.len() != pins.len() {
        return Err(Error::invalid("pins", "must each have a number of their own"));
    }
    if keys.is_empty() {
        return Ok(());
    }
    let new = |key| NewKey { key, fingerprint: String::new(), expires_at: now + KNOWN };
    let keys: Vec<NewKey> = keys.into_iter().map(new).collect();
    let mut tx = deps.db.begin().await?;
    let known = key::claim(&mut tx, &keys, now).await?;
    pins.retain(|pin| !known.contains_key(&pin.key(app)));
    if pins.is_empty() {
        return Ok(());
    }
    let answers: Vec<_> =
        keys.iter().map(|new| (&new.key, String::new())).filter(|(key, _)| !known.contains_key(key)).collect();
    key::answer(&mut tx, &answers).await?;
    let event = |pin| event(app, pin);
    let events: Vec<NewEvent<'_>> = pins.iter().map(event).collect();
    event::append(&mut tx, &events, std::iter::empty()).await?;
    tx.commit().await?;
    deps.bus.publish(Hint::Events(app));
    Ok(())
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
