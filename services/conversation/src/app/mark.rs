//! Moves a user's read or delivered mark. Marks never move back; a mark covers everything before it (decision 5).

use tidings_domain::{Actor, Caller, ConversationId, Error, Marks, MsgId, UserId};
use tidings_runtime::telemetry;

use super::log;
use crate::{
    Deps,
    store::{
        UserConversation,
        cursor::{self as store, Raise},
        mark_report::{DELIVERED, MarkReport, MarkReports, READ},
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

impl Which {
    /// Where it is kept that the mark moved, until that is reported.
    pub fn reports(self) -> &'static MarkReports {
        match self {
            Self::Read => &READ,
            Self::Delivered => &DELIVERED,
        }
    }
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

/// A read mark that moves is reported, and in direct conversations a delivered mark as well, in the same transaction
/// (tencent.md 6).
async fn raise(
    deps: &Deps,
    caller: &Caller,
    place: UserConversation,
    which: Which,
    msg_id: MsgId,
) -> Result<bool, Error> {
    let is_read = which == Which::Read;
    let read = if is_read { msg_id } else { MsgId::ZERO };
    let since = if is_read { since(deps, caller, place).await? } else { MsgId::ZERO };
    let now = deps.clock.now();
    let mut tx = deps.db.begin().await?;
    let to = Marks { read, delivered: msg_id, ..Marks::default() };
    let raised = Raise { read: (now, since), ..Raise::unread(place.conversation, to, MsgId::ZERO) };
    let moved = store::raise(&mut tx, place.app, place.user, raised).await?;
    let is_direct = matches!(place.conversation, ConversationId::Direct(low, high) if low != high);
    let is_reported = moved && (is_read || is_direct);
    if is_reported {
        let report = MarkReport {
            place,
            msg_id,
            at: now,
            address: caller.address.map(|address| address.to_string()).unwrap_or_default(),
            platform: caller.platform.name().to_owned(),
            trace: telemetry::traceparent().unwrap_or_default(),
        };
        which.reports().add(&mut tx, &report).await?;
    }
    tx.commit().await?;
    if is_reported {
        let reporter = if is_read { &deps.read } else { &deps.delivered };
        reporter.notify_one();
    }
    Ok(moved)
}

/// Messages of a group up to here were hidden from the user, who has not read them whatever the mark covers.
async fn since(deps: &Deps, caller: &Caller, place: UserConversation) -> Result<MsgId, Error> {
    match place.conversation {
        ConversationId::Group(group) if place.user != UserId::ADMIN => {
            Ok(deps.directory.membership(caller, place.user, group.0).await?.floor())
        }
        _ => Ok(MsgId::ZERO),
    }
}

/// The newest message that the user may see, also where the app marks for them: it does so for former members, too.
async fn newest(deps: &Deps, caller: &Caller, user: UserId, conversation: ConversationId) -> Result<MsgId, Error> {
    let reader = Caller { actor: Actor::User(user), ..caller.clone() };
    match log::head(&deps.message, &reader, conversation).await {
        Err(error) if caller.is_app() && !error.reason().is_transient() => {
            log::head(&deps.message, caller, conversation).await
        }
        head => head,
    }
}

/// The conversation, and the message up to which the mark moves. `None`: retention removed the message and no
/// conversation is given, so no mark needs to move: removed messages count as read.
async fn resolve(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    up_to: UpTo,
) -> Result<Option<(ConversationId, MsgId)>, Error> {
    let Some(msg_id) = up_to.msg_id else {
        let conversation = up_to.conversation.ok_or_else(|| Error::invalid("conversation", "or msg_id is required"))?;
        conversation.check_party(user)?;
        return Ok(Some((conversation, newest(deps, caller, user, conversation).await?)));
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
