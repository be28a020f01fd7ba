//! Moves a user's read or delivered mark. Marks never move back; a mark covers everything before it (decision 5).

use tidings_domain::{Caller, ConversationId, Error, Marks, MsgId, UserId};
use tidings_runtime::telemetry;

use super::log;
use crate::{
    Deps,
    store::{
        UserConversation, cursor as store,
        read_report::{self, ReadReport},
    },
};

/// Which mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Read; what is read counts as delivered too.
    Read,
    /// Delivered to a device.
    Delivered,
}

/// Up to where.
#[derive(Debug, Clone, Copy)]
pub struct UpTo {
    /// Absent: the conversation of the message.
    pub conversation: Option<ConversationId>,
    /// Absent: the newest message.
    pub msg_id: Option<MsgId>,
}

/// The mark after the call.
#[derive(Debug, Clone, Copy)]
pub struct Moved {
    pub moved: bool,
    /// `None`: the message's conversation is no longer known.
    pub conversation: Option<ConversationId>,
    pub msg_id: MsgId,
}

/// Moves the mark.
pub async fn mark(deps: &Deps, caller: &Caller, user: UserId, which: Which, up_to: UpTo) -> Result<Moved, Error> {
    let Some((conversation, msg_id)) = resolve(deps, caller, user, up_to).await? else {
        return Ok(Moved { moved: false, conversation: None, msg_id: MsgId::ZERO });
    };
    let place = UserConversation { app: caller.app, user, conversation };
    let moved = msg_id > MsgId::ZERO && raise(deps, caller, place, which, msg_id).await?;
    let (now, _) = store::find(&deps.db, place, user).await?;
    let stands = if which == Which::Read { now.read } else { now.delivered };
    Ok(Moved { moved, conversation: Some(conversation), msg_id: stands })
}

/// A read mark that moves is reported, in the same transaction (tencent.md 6).
async fn raise(
    deps: &Deps,
    caller: &Caller,
    place: UserConversation,
    which: Which,
    msg_id: MsgId,
) -> Result<bool, Error> {
    let read = if which == Which::Read { msg_id } else { MsgId::ZERO };
    let mut tx = deps.db.begin().await?;
    let to = Marks { read, delivered: msg_id, ..Marks::default() };
    let moved = store::raise(&mut tx, place, to, MsgId::ZERO).await?;
    let is_told = moved && which == Which::Read;
    if is_told {
        let report = ReadReport {
            place,
            msg_id,
            at: deps.clock.now(),
            address: caller.address.map(|address| address.to_string()).unwrap_or_default(),
            platform: caller.platform.name().to_owned(),
            trace: telemetry::traceparent().unwrap_or_default(),
        };
        read_report::add(&mut tx, &report).await?;
    }
    tx.commit().await?;
    if is_told {
        deps.read.notify_one();
    }
    Ok(moved)
}

/// The conversation, and the message up to which the mark moves. `None`: retention removed the message and no
/// conversation is given, so no mark needs to move: what is gone counts as read.
async fn resolve(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    up_to: UpTo,
) -> Result<Option<(ConversationId, MsgId)>, Error> {
    let Some(msg_id) = up_to.msg_id else {
        let conversation = up_to.conversation.ok_or_else(|| Error::invalid("conversation", "or msg_id is required"))?;
        conversation.check_party(user)?;
        return Ok(Some((conversation, log::head(&deps.message, caller, conversation).await?)));
    };
    let Some(conversation) = log::locate(&deps.message_internal, caller, msg_id, up_to.conversation).await? else {
        return Ok(None);
    };
    if up_to.conversation.is_some_and(|claimed| claimed != conversation) {
        return Err(Error::invalid("msg_id", "is not in that conversation"));
    }
    conversation.check_party(user)?;
    Ok(Some((conversation, msg_id)))
}
