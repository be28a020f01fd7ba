//! Removes a conversation from one user's view. The log and everybody else's view stay as they are.

use tidings_domain::{Caller, ConversationId, Error, Marks, MsgId, UserId};

use super::log;
use crate::{
    Deps,
    store::{UserConversation, cursor as store},
};

/// Hides what is there now; a newer message brings the conversation back with only what is newer. With `keep_history` it
/// leaves the list alone, and comes back whole.
pub async fn delete(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    conversation: ConversationId,
    keep_history: bool,
) -> Result<(), Error> {
    conversation.check_party(user)?;
    let head = log::head(&deps.message, caller, conversation).await?;
    if head > MsgId::ZERO {
        let to = if keep_history { Marks::default() } else { Marks { cleared: head, ..Marks::default() } };
        let mut tx = deps.db.begin().await?;
        store::raise(&mut tx, UserConversation { app: caller.app, user, conversation }, to, head).await?;
        tx.commit().await?;
    }
    Ok(())
}
