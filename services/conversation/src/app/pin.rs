//! Pins conversations at the top of a user's list, and unpins them.

use tidings_domain::{Caller, ConversationId, Error, UnixMillis, UserId};

use crate::{
    Deps,
    store::{UserConversation, pin as store},
};

/// Maximum number of pins of a user.
const MOST: i64 = 1_000;

/// Pins it above the others, or unpins it. Returns whether anything changed, and when it was pinned if it is. Former members of a group can still unpin it.
pub async fn pin(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    conversation: ConversationId,
    pinned: bool,
) -> Result<(bool, Option<UnixMillis>), Error> {
    conversation.check_party(user)?;
    if pinned {
        deps.directory.check_member(caller, conversation).await?;
    }
    let place = UserConversation { app: caller.app, user, conversation };
    let now = deps.clock.now();
    let mut tx = deps.db.begin().await?;
    let changed = if pinned { store::pin(&mut tx, place, now).await? } else { store::unpin(&mut tx, place).await? };
    if pinned && changed && store::count(&mut tx, place.app, user).await? > MOST {
        return Err(Error::invalid("conversation", "cannot be pinned: at most 1000 conversations can be"));
    }
    tx.commit().await?;
    Ok((changed, if pinned && !changed { store::pinned_at(&deps.db, place).await? } else { pinned.then_some(now) }))
}
