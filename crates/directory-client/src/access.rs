//! Who may read a conversation.

use tidings_domain::{Actor, Caller, ConversationId, Error, Membership, Reason, UserId};

use crate::DirectoryCache;

impl DirectoryCache {
    /// The calling user's membership in the group or room; refused when they are not a member. `None` where there is
    /// nothing to check: in direct conversations, and for the app itself, which is also user 0.
    pub async fn check_member(
        &self,
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
        let membership = self.membership(caller, user, group).await?;
        if membership.conversation() != conversation {
            return Err(Error::new(Reason::GroupNotFound, group.to_string()));
        }
        membership.check_member(user)?;
        Ok(Some(membership))
    }
}
