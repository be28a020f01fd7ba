//! The cursors of the user and the other party in one conversation.

use tidings_domain::{Caller, ConversationId, Error, Marks, UserId};

use crate::{
    Deps,
    store::{UserConversation, cursor as store},
};

/// The user's own marks, and the peer's in a direct conversation.
pub async fn view(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    conversation: ConversationId,
) -> Result<(Marks, Marks), Error> {
    conversation.check_party(user)?;
    deps.directory.check_member(caller, conversation).await?;
    let place = UserConversation { app: caller.app, user, conversation };
    let peer = conversation.peer_of(user);
    let (own, of_peer) = store::find(&deps.db, place, peer.unwrap_or(user)).await?;
    Ok((own, if peer.is_some() { of_peer } else { Marks::default() }))
}
