//! The pinned messages of a conversation.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tidings_domain::{Actor, Caller, ConversationId, Error, UserId};

use super::{log, pin_message::MOST};
use crate::{
    Deps,
    store::pinned_message::{self as store, Pinned},
};

/// Pinned messages that are looked up at once.
const AT_ONCE: usize = 8;

/// Up to `limit` of them below a number (`None`: from the first), most recently pinned first, and the number below which
/// the next page begins. Those that are not for the user are left out.
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
    let all = store::page(&deps.db, caller.app, conversation, below, MOST).await?;
    let visible = stream::iter(all).map(|one| {
        let (deps, reader) = (&deps, &reader);
        async move {
            let is_visible = log::is_visible(&deps.message_internal, reader, conversation, one.msg_id).await?;
            Ok::<_, Error>(is_visible.then_some(one))
        }
    });
    let visible: Vec<Option<Pinned>> = visible.buffered(AT_ONCE).try_collect().await?;
    let mut pinned: Vec<Pinned> = visible.into_iter().flatten().collect();
    let is_last = pinned.len() <= limit;
    pinned.truncate(limit);
    let next = pinned.last().filter(|_| !is_last).map(|last| last.number);
    Ok((pinned, next))
}
