//! The pinned messages of a conversation.

use tidings_domain::{Actor, Caller, ConversationId, Error, UserId};

use crate::{
    Deps,
    store::pinned_message::{self as store, Pinned},
};

/// Up to `limit` of them below a number (`None`: from the first), most recently pinned first, and the number below which
/// the next page begins.
pub async fn list_pinned_messages(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    conversation: ConversationId,
    (below, limit): (Option<i64>, usize),
) -> Result<(Vec<Pinned>, Option<i64>), Error> {
    conversation.check_party(user)?;
    let reader = Caller { actor: Actor::User(user), ..caller.clone() };
    deps.directory.check_member(&reader, conversation).await?;
    let below = below.unwrap_or(i64::MAX);
    let mut pinned = store::page(&deps.db, caller.app, conversation, below, limit as i64 + 1).await?;
    let is_last = pinned.len() <= limit;
    pinned.truncate(limit);
    let next = pinned.last().filter(|_| !is_last).map(|last| last.number);
    Ok((pinned, next))
}
