//! Who may look at a group or room. Where the log is asked anyway, it sees to that by itself.

use tidings_directory_client::DirectoryCache;
use tidings_domain::{Actor, Caller, ConversationId, Error, Reason, UserId};

/// Refuses a calling user who is not in the group or room. The app itself, which is also user 0, is never refused.
pub async fn check_member(
    directory: &DirectoryCache,
    caller: &Caller,
    conversation: ConversationId,
) -> Result<(), Error> {
    let user = caller.actor.user();
    let group = match conversation {
        ConversationId::Direct(..) => return Ok(()),
        ConversationId::Group(group) => group.0,
        ConversationId::Room(room) => room.0,
    };
    if caller.actor == Actor::App || user == UserId::ADMIN {
        return Ok(());
    }
    let membership = directory.membership(caller, user, group).await?;
    if membership.conversation() != conversation {
        return Err(Error::new(Reason::GroupNotFound, group.to_string()));
    }
    membership.check_member(user)?;
    Ok(())
}
