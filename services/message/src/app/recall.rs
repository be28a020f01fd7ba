//! Takes a message back.

use std::time::Duration;

use tidings_domain::{Actor, Caller, ConversationId, Error, MsgId, Reason, UnixMillis, UserId};

use super::access;
use crate::{
    Deps,
    appender::lane,
    origin::Origin,
    store::{
        change::{self, Which},
        event::{self, EventKind, NewEvent},
        head,
        read::{self, PlaceOf},
    },
};

/// What to take back, and how late one may.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    pub msg_id: MsgId,
    /// Where the message must be.
    pub conversation: Option<ConversationId>,
    /// `None` is without limit.
    pub window: Option<Duration>,
    /// Whether those who may recall what others sent are held to the window too.
    pub window_for_all: bool,
}

/// What was taken back.
#[derive(Debug, Clone, Copy)]
pub struct Recalled {
    /// False: it was before.
    pub recalled: bool,
    pub conversation: ConversationId,
    pub sender: UserId,
}

/// Why the caller may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    /// Sent it.
    Sender,
    /// Looks after the group, or is the app itself.
    Keeper,
}

/// Recalls the message once, whoever else does so at the same time. What was recalled before stays so for whoever had
/// the right, also when the window is over.
pub async fn recall(deps: &Deps, caller: &Caller, wanted: Wanted) -> Result<Recalled, Error> {
    let found = read::place_of(&deps.db, caller.app, wanted.msg_id).await?;
    let found = found.filter(|found| wanted.conversation.is_none_or(|place| place == found.conversation));
    let message = found.ok_or_else(|| access::not_found(wanted.msg_id))?;
    access::check_visible(&deps.directory, caller, message.conversation, wanted.msg_id).await?;
    let right = right(deps, caller, &message).await?;
    let done = |recalled| Recalled { recalled, conversation: message.conversation, sender: message.sender };
    if message.recalled {
        return Ok(done(false));
    }
    let now = deps.clock.now();
    if right == Right::Sender || wanted.window_for_all {
        check_window(&message, wanted.window, now)?;
    }
    Ok(done(write(deps, caller, &message, wanted.msg_id, now).await?))
}

async fn right(deps: &Deps, caller: &Caller, message: &PlaceOf) -> Result<Right, Error> {
    let user = match caller.actor {
        Actor::App | Actor::User(UserId::ADMIN) => return Ok(Right::Keeper),
        Actor::User(user) => user,
    };
    let membership = access::membership(&deps.directory, caller, message.conversation).await?;
    if membership.is_some_and(|membership| membership.is_admin()) {
        return Ok(Right::Keeper);
    }
    if message.sender == user { Ok(Right::Sender) } else { Err(Error::not_permitted("not your message")) }
}

fn check_window(message: &PlaceOf, window: Option<Duration>, now: UnixMillis) -> Result<(), Error> {
    let age = now - message.sent_at;
    if window.is_some_and(|window| age > window) {
        return Err(Error::new(Reason::RecallWindowOver, format!("{} ms old", age.as_millis())));
    }
    Ok(())
}

/// One transaction; false when somebody else was first.
async fn write(deps: &Deps, caller: &Caller, message: &PlaceOf, msg_id: MsgId, now: UnixMillis) -> Result<bool, Error> {
    let conversation = message.conversation;
    let origin = Origin::of(caller);
    let event = NewEvent {
        app: caller.app,
        lane: lane(conversation),
        kind: EventKind::Recalled,
        made_at: now,
        conversation,
        msg_id,
        actor: caller.actor.user(),
        body: None,
        origin: &origin,
    };
    let mut tx = deps.db.begin().await?;
    head::lock(&mut tx, &[(caller.app, conversation)]).await?;
    if !change::recall(&mut tx, Which { app: caller.app, conversation, msg_id }, now).await? {
        return Ok(false);
    }
    event::append(&mut tx, &[event], std::iter::empty()).await?;
    tx.commit().await?;
    Ok(true)
}
