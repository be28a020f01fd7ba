//! What a caller may see of a conversation. The app itself, which is also user 0, sees everything.

use tidings_directory_client::DirectoryCache;
use tidings_domain::{Actor, Caller, ConversationId, Error, Membership, MsgId, Reason, UserId};

/// Messages up to here are hidden from the caller. Refused when he has no part in the conversation.
pub async fn floor(directory: &DirectoryCache, caller: &Caller, conversation: ConversationId) -> Result<MsgId, Error> {
    caller.check_party(conversation)?;
    let membership = membership(directory, caller, conversation).await?;
    Ok(membership.map_or(MsgId::ZERO, |membership| membership.floor()))
}

/// What the calling user is in the group or room. `None` where nobody asks: in direct conversations, and for the app
/// itself.
pub async fn membership(
    directory: &DirectoryCache,
    caller: &Caller,
    conversation: ConversationId,
) -> Result<Option<Membership>, Error> {
    let user = caller.actor.user();
    let group = match conversation {
        ConversationId::Direct(..) => return Ok(None),
        ConversationId::Group(group) => group.0,
        ConversationId::Room(room) => room.0,
    };
    if caller.actor == Actor::App || user == UserId::ADMIN {
        return Ok(None);
    }
    let membership = directory.membership(caller, user, group).await?;
    if membership.conversation() != conversation {
        return Err(Error::new(Reason::GroupNotFound, group.to_string()));
    }
    membership.check_member(user)?;
    Ok(Some(membership))
}

/// The user whose view counts; `None` is the app itself, which sees everything.
pub fn viewer(caller: &Caller) -> Option<UserId> {
    match caller.actor {
        Actor::App | Actor::User(UserId::ADMIN) => None,
        Actor::User(user) => Some(user),
    }
}

/// Refuses a message that the caller may not see, in the words for one that does not exist.
pub async fn check_visible(
    directory: &DirectoryCache,
    caller: &Caller,
    conversation: ConversationId,
    msg_id: MsgId,
) -> Result<(), Error> {
    match floor(directory, caller, conversation).await {
        Ok(floor) if msg_id > floor => Ok(()),
        Err(error) if !is_refusal(error.reason()) => Err(error),
        Ok(_) | Err(_) => Err(not_found(msg_id)),
    }
}

const fn is_refusal(reason: Reason) -> bool {
    matches!(reason, Reason::NotPermitted | Reason::NotGroupMember | Reason::GroupNotFound)
}

/// No such message, as far as the caller knows.
pub fn not_found(msg_id: MsgId) -> Error {
    Error::new(Reason::MessageNotFound, msg_id.to_string())
}
