//! A user's pinned conversations, or those with a mark, page by page.

use tidings_domain::{Caller, ConversationId, Error, UserId};

use super::{list, mark_conversations::check_mark};
use crate::{
    Deps,
    store::{mark, pin},
};

/// Which conversations.
#[derive(Debug, Clone, Copy)]
pub enum Selection {
    /// Most recently pinned first.
    Pinned,
    /// Most recently marked first.
    Marked(i32),
}

/// Up to `limit` of them below a number (`None`: from the first), and the number below which the next page begins.
pub async fn select(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    selection: Selection,
    (below, limit): (Option<i64>, usize),
) -> Result<(Vec<list::Listed>, Option<i64>), Error> {
    let (below, one_more) = (below.unwrap_or(i64::MAX), limit as i64 + 1);
    let mut found = match selection {
        Selection::Pinned => pin::page(&deps.db, caller.app, user, below, one_more).await?,
        Selection::Marked(number) => {
            check_mark(number)?;
            mark::page(&deps.db, (caller.app, user), number, below, one_more).await?
        }
    };
    let is_last = found.len() <= limit;
    found.truncate(limit);
    let next = found.last().filter(|_| !is_last).map(|(_, number)| *number);
    let places: Vec<ConversationId> = found.into_iter().map(|(place, _)| place).collect();
    Ok((list::these(deps, caller, user, &places).await?, next))
}
