//! Hides messages from one user, who does not see or count them any more.

use tidings_domain::{Caller, ConversationId, Error, MsgId, UserId};

use super::access;
use crate::{
    Deps,
    store::{excluded, head},
};

/// Most messages of one call.
const MOST: usize = 500;

/// How many were hidden that were not before. What is not in the conversation is overlooked.
pub async fn exclude(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    conversation: ConversationId,
    ids: &[MsgId],
) -> Result<usize, Error> {
    if ids.is_empty() || ids.len() > MOST {
        return Err(Error::invalid("msg_ids", "must be from 1 to 500"));
    }
    conversation.check_party(user)?;
    access::floor(&deps.directory, caller, conversation).await?;
    let hidden: Vec<_> = ids.iter().map(|id| (caller.app, user, conversation, *id)).collect();
    let mut tx = deps.db.begin().await?;
    // A recall forgets who does not see the message, so the two must not pass each other.
    head::lock_existing(&mut tx, (caller.app, conversation)).await?;
    let done = excluded::hide(&mut tx, &hidden).await?.len();
    tx.commit().await?;
    Ok(done)
}
