//! Where a user and the other party stand in one conversation.

use tidings_domain::{Caller, ConversationId, Error, Marks, UserId};

use crate::{
    Deps,
    store::{self, Place},
};

/// The user's own marks, and the peer's in a direct conversation.
pub async fn view(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    conversation: ConversationId,
) -> Result<(Marks, Marks), Error> {
    conversation.check_party(user)?;
    let own = store::find(&deps.db, Place { app: caller.app, user, conversation }).await?;
    let peer = match conversation.peer_of(user) {
        Some(peer) => store::find(&deps.db, Place { app: caller.app, user: peer, conversation }).await?,
        None => Marks::default(),
    };
    Ok((own, peer))
}
