//! Reads a conversation in either direction, filtered by kind of message and sender.
//!
//! Neither has an index: a filter is applied to what is read, and a call reads a limited number of messages.

use tidings_domain::{BODY_NAMES, Caller, ConversationId, Error, Message, MsgId, UserId};

use super::access;
use crate::{
    Deps,
    store::read::{self, Span},
};

/// Maximum page size.
const MOST: i32 = 200;
/// Maximum number of senders.
const MOST_SENDERS: usize = 100;
/// Messages that are read at once while a filter applies; fewer if they exceed a megabyte.
const AT_ONCE: usize = 200;
/// How often that is done for one page.
const READS: usize = 5;

/// A range of a conversation.
#[derive(Debug, Clone)]
pub struct HistoryQuery {
    pub conversation: ConversationId,
    pub limit: i32,
    pub oldest_first: bool,
    /// Exclusive; zero: all.
    pub above: MsgId,
    /// Exclusive; zero: all.
    pub below: MsgId,
    /// Empty: all.
    pub bodies: Vec<String>,
    /// Empty: everybody's.
    pub senders: Vec<UserId>,
}

impl HistoryQuery {
    fn check(&self) -> Result<(), Error> {
        if !(1..=MOST).contains(&self.limit) {
            return Err(Error::invalid("limit", "must be from 1 to 200"));
        }
        if self.senders.len() > MOST_SENDERS {
            return Err(Error::invalid("sender_ids", "must not be more than 100"));
        }
        let known = |name: &String| BODY_NAMES.contains(&name.as_str());
        if !self.bodies.iter().all(known) {
            return Err(Error::invalid("bodies", format!("must be one of {}", BODY_NAMES.join(", "))));
        }
        Ok(())
    }

    fn is_filtered(&self) -> bool {
        !self.bodies.is_empty() || !self.senders.is_empty()
    }

    fn takes(&self, message: &Message) -> bool {
        let name = message.content.body.name();
        (self.bodies.is_empty() || self.bodies.iter().any(|body| body == name))
            && (self.senders.is_empty() || self.senders.contains(&message.sender))
    }
}

/// The messages in the requested direction, and the last one that was examined; zero when there are no more.
pub async fn read_history(
    Deps { db, directory, .. }: &Deps,
    caller: &Caller,
    query: HistoryQuery,
) -> Result<(Vec<Message>, MsgId), Error> {
    query.check()?;
    let floor = access::floor(directory, caller, query.conversation).await?.max(query.above);
    let start = if query.below == MsgId::ZERO { MsgId(i64::MAX) } else { MsgId(query.below.0.saturating_sub(1)) };
    let mut span = Span { conversation: query.conversation, start, floor, viewer: access::viewer(caller) };
    let limit = query.limit as usize;
    let at_once = if query.is_filtered() { AT_ONCE } else { limit };
    let mut kept = Vec::with_capacity(limit);
    for _ in 0..READS {
        let (messages, next) = if query.oldest_first {
            read::page_up(db, caller.app, span, at_once).await?
        } else {
            read::page(db, caller.app, span, at_once).await?
        };
        let (count, mut left) = (messages.len(), messages.len());
        for message in messages {
            left -= 1;
            let msg_id = message.msg_id;
            if query.oldest_first {
                span.floor = msg_id;
            } else {
                span.start = MsgId(msg_id.0 - 1);
            }
            if query.takes(&message) {
                kept.push(message);
            }
            if kept.len() == limit {
                return Ok((kept, if left == 0 && next.is_none() { MsgId::ZERO } else { msg_id }));
            }
        }
        if next.is_none() {
            return Ok((kept, MsgId::ZERO));
        }
        // What is short although more follows is large: what was kept is returned before more is read.
        if count < at_once && !kept.is_empty() {
            break;
        }
    }
    Ok((kept, if query.oldest_first { span.floor } else { MsgId(span.start.0 + 1) }))
}
