//! Moves a user's read or delivered mark. Marks never move back; a mark covers everything before it (decision 5).

use tidings_domain::{Caller, ConversationId, Error, Marks, MsgId, UserId};

use super::log;
use crate::{
    Deps,
    store::{Place, cursor as store},
};

/// Which mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Read; what is read was delivered too.
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

/// Where the mark stands now.
#[derive(Debug, Clone, Copy)]
pub struct Moved {
    pub moved: bool,
    pub conversation: ConversationId,
    pub msg_id: MsgId,
}

/// Moves the mark.
pub async fn mark(deps: &Deps, caller: &Caller, user: UserId, which: Which, up_to: UpTo) -> Result<Moved, Error> {
    let (conversation, msg_id) = resolve(deps, caller, user, up_to).await?;
    let place = Place { app: caller.app, user, conversation };
    let read = if which == Which::Read { msg_id } else { MsgId::ZERO };
    let moved = msg_id > MsgId::ZERO
        && store::raise(&deps.db, place, Marks { read, delivered: msg_id, ..Marks::default() }, MsgId::ZERO).await?;
    let (now, _) = store::find(&deps.db, place, user).await?;
    let stands = if which == Which::Read { now.read } else { now.delivered };
    Ok(Moved { moved, conversation, msg_id: stands })
}

async fn resolve(deps: &Deps, caller: &Caller, user: UserId, up_to: UpTo) -> Result<(ConversationId, MsgId), Error> {
    let Some(msg_id) = up_to.msg_id else {
        let conversation = up_to.conversation.ok_or_else(|| Error::invalid("conversation", "or msg_id is required"))?;
        conversation.check_party(user)?;
        return Ok((conversation, log::head(&deps.message, caller, conversation).await?));
    };
    let message = log::find(&deps.message, caller, msg_id).await?;
    if up_to.conversation.is_some_and(|conversation| conversation != message.conversation) {
        return Err(Error::invalid("msg_id", "is not in that conversation"));
    }
    message.conversation.check_party(user)?;
    Ok((message.conversation, msg_id))
}
