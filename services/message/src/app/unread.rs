//! Counts what a user has not read, from the log alone.
//!
//! Every row carries how many countable messages its conversation had once it was in, in all and of the lower party.
//! What others wrote above a mark is the head's count less the count at the mark, so the cost does not depend on how
//! much is unread.

use std::collections::HashMap;

use tidings_domain::{Caller, ConversationId, Error, MsgId, UserId};
use tidings_store::Db;

use crate::store::read::{self, Above, Listed};

/// Where the user stands in a conversation.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    pub read: MsgId,
    /// The conversation is left out unless it has something above this.
    pub unlisted: MsgId,
}

/// A conversation with what is unread in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread {
    pub conversation: ConversationId,
    pub head: MsgId,
    pub unread: i64,
}

/// The user's conversations, newest activity first, at most `limit`.
pub async fn unread(
    db: &Db,
    caller: &Caller,
    user: UserId,
    marks: &HashMap<ConversationId, Mark>,
    limit: usize,
) -> Result<Vec<Unread>, Error> {
    let mut listed = read::conversations(db, caller.app, user).await?;
    listed.retain(|entry| marks.get(&entry.conversation).is_none_or(|mark| entry.last_msg_id > mark.unlisted));
    listed.truncate(limit);
    let mark_of = |entry: &Listed| marks.get(&entry.conversation).map_or(MsgId::ZERO, |mark| mark.read);
    let open = listed.iter().filter(|entry| mark_of(entry) < entry.last_msg_id);
    let open: Vec<_> = open.map(|entry| (entry.conversation, mark_of(entry))).collect();
    let above = read::above(db, caller.app, user, &open).await?;
    let above: HashMap<ConversationId, Above> = above.into_iter().map(|found| (found.conversation, found)).collect();
    let counted = listed.into_iter().map(|entry| Unread {
        conversation: entry.conversation,
        head: entry.last_msg_id,
        unread: above.get(&entry.conversation).map_or(0, |found| from_others(user, &entry, found)),
    });
    Ok(counted.collect())
}

fn from_others(user: UserId, entry: &Listed, found: &Above) -> i64 {
    let all = entry.ordinal - found.ordinal;
    let of_low = entry.ordinal_low - found.ordinal_low;
    let others = match entry.conversation {
        ConversationId::Direct(low, high) if low == high => 0,
        ConversationId::Direct(low, _) if low == user => all - of_low,
        ConversationId::Direct(..) => of_low,
        ConversationId::Group(_) | ConversationId::Room(_) => all,
    };
    (others - found.recalled).max(0)
}
