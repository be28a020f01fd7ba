//! Reads a conversation from newer to older messages.

use tidings_domain::{Caller, ConversationId, Error, Message, MsgId};

use super::access;
use crate::{
    Deps,
    store::read::{self, Span},
};

/// Maximum page size.
const MOST: i32 = 200;

/// A range of a conversation.
#[derive(Debug, Clone, Copy)]
pub struct PageQuery {
    pub conversation: ConversationId,
    /// Inclusive; zero is the newest.
    pub start: MsgId,
    /// Exclusive.
    pub floor: MsgId,
    pub limit: i32,
}

/// The messages, newest first, fewer than requested if they are too large, and where the next page starts; zero when
/// there is none.
pub async fn page(
    Deps { db, directory, .. }: &Deps,
    caller: &Caller,
    query: PageQuery,
) -> Result<(Vec<Message>, MsgId), Error> {
    if !(1..=MOST).contains(&query.limit) {
        return Err(Error::invalid("limit", "must be from 1 to 200"));
    }
    let floor = access::floor(directory, caller, query.conversation).await?.max(query.floor);
    let start = if query.start == MsgId::ZERO { MsgId(i64::MAX) } else { query.start };
    let span = Span { conversation: query.conversation, start, floor, viewer: access::viewer(caller) };
    let (messages, next) = read::page(db, caller.app, span, query.limit as usize).await?;
    Ok((messages, next.unwrap_or(MsgId::ZERO)))
}
