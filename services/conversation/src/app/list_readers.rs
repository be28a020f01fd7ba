//! Who has read a message of a group (decision 5: a mark covers everything before it).

use tidings_domain::{Caller, ConversationId, Error, MsgId, UnixMillis, UserId};

use super::log;
use crate::{
    Deps,
    store::reader::{self as store, OfMessage},
};

/// A page of readers.
#[derive(Debug)]
pub struct Readers {
    /// By ascending id, and when their marks moved last.
    pub page: Vec<(UserId, UnixMillis)>,
    /// On all pages.
    pub total: i64,
    /// The id above which the next page begins.
    pub next: Option<UserId>,
}

/// Up to `limit` of them above an id.
pub async fn list_readers(
    deps: &Deps,
    caller: &Caller,
    (conversation, msg_id): (ConversationId, MsgId),
    (above, limit): (UserId, usize),
) -> Result<Readers, Error> {
    let ConversationId::Group(group) = conversation else {
        return Err(Error::invalid("conversation", "must be a group"));
    };
    deps.directory.check_member(caller, conversation).await?;
    let message = log::find(&deps.message, caller, conversation, msg_id).await?;
    let of = OfMessage { app: caller.app, group, msg_id, sender: message.sender };
    let mut page = store::page(&deps.db, of, above, limit as i64 + 1).await?;
    let is_last = page.len() <= limit;
    page.truncate(limit);
    let next = page.last().filter(|_| !is_last).map(|(user, _)| *user);
    Ok(Readers { page, total: store::count(&deps.db, of).await?, next })
}
