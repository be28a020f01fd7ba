//! Hides messages from one user, who no longer sees or counts them.

use tidings_domain::{Caller, ConversationId, Error, MsgId, UserId};

use super::access;
use crate::{
    Deps,
    store::{excluded, head},
};

/// Maximum number of messages per call.
const MOST: usize = 500;

/// Returns how many were newly hidden. Messages that are not in the conversation are ignored.
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
    // A recall removes these exclusions, so the two must not run concurrently.
    head::lock_existing(&mut tx, (caller.app, conversation)).await?;
    let done = excluded::hide(&mut tx, &hidden).await?.len();
    tx.commit().await?;
    Ok(done)
}
