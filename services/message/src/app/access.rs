//! What a caller may see of a conversation. The app itself, which is also user 0, sees everything.

use tidings_directory_client::DirectoryCache;
use tidings_domain::{Actor, Caller, ConversationId, Error, MsgId, Reason, UserId};

/// Messages up to here are hidden from the caller. Refused if they are not in the conversation.
pub async fn floor(directory: &DirectoryCache, caller: &Caller, conversation: ConversationId) -> Result<MsgId, Error> {
    caller.check_party(conversation)?;
    let membership = directory.check_member(caller, conversation).await?;
    Ok(membership.map_or(MsgId::ZERO, |membership| membership.floor()))
}

/// The user whose view counts; `None` is the app itself, which sees everything.
pub fn viewer(caller: &Caller) -> Option<UserId> {
    match caller.actor {
        Actor::App | Actor::User(UserId::ADMIN) => None,
        Actor::User(user) => Some(user),
    }
}

/// Refuses a message that the caller cannot see, with the error for one that does not exist.
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
