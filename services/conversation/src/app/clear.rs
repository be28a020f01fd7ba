//! Hides messages from one user up to a point in time.

use tidings_domain::{Caller, ConversationId, Error, Marks, MsgId, UnixMillis, UserId};

use super::log;
use crate::{
    Deps,
    store::cursor::{self as store, Raise},
};

/// Hides what was sent up to `until`, and nothing that is sent from now on. If there is nothing newer, the conversation
/// is removed from the list.
pub async fn clear(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    conversation: ConversationId,
    until: UnixMillis,
) -> Result<(), Error> {
    conversation.check_party(user)?;
    let head = log::head(&deps.message, caller, conversation).await?;
    let cleared = head.min(MsgId::before(UnixMillis(until.0.saturating_add(1))));
    if cleared > MsgId::ZERO {
        let to = Marks { cleared, ..Marks::default() };
        let mut tx = deps.db.begin().await?;
        store::raise(&mut tx, caller.app, user, Raise::unread(conversation, to, cleared)).await?;
        tx.commit().await?;
    }
    Ok(())
}
