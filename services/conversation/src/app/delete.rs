//! Removes a conversation from one user's view. The log and everybody else's view are unchanged.

use tidings_domain::{Caller, ConversationId, Error, Marks, MsgId, UserId};

use super::log;
use crate::{
    Deps,
    store::cursor::{self as store, Raise},
};

/// Hides the present messages; with a newer message the conversation reappears, with only what is newer. With
/// `keep_history` it is only removed from the list, and reappears with all messages.
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
        store::raise(&mut tx, caller.app, user, Raise::unread(conversation, to, head)).await?;
        tx.commit().await?;
    }
    Ok(())
}
