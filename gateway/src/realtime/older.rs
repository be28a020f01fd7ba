//! Changes of messages from before a member joined, such as edits: they reach members to whom the group's history shows
//! them.

use std::collections::HashSet;

use tidings_domain::{Caller, ConversationId, Error, EventKind, MsgId, UserId};

use super::table::Table;
use crate::{Gateway, agora::feed::FeedEvent, membership};

/// Which of some events new members do not get.
pub(super) struct Older {
    /// Groups and rooms whose members do not see messages from before they joined.
    closed: HashSet<i64>,
}

impl Older {
    /// The groups and rooms whose settings must be read: something happened there to a message that is older than the
    /// membership of somebody in the table.
    pub fn candidates(table: &Table, events: &[FeedEvent]) -> HashSet<i64> {
        let places = events.iter().filter_map(place);
        let older = places.filter(|(group, msg_id)| table.is_from_before(None, *group, *msg_id));
        older.map(|(group, _)| group).collect()
    }

    /// Reads their settings: rarely any, and once for all events of a response.
    pub async fn read(gateway: &Gateway, caller: &Caller, mut candidates: HashSet<i64>) -> Result<Self, Error> {
        if !candidates.is_empty() {
            let open = membership::with_open_history(gateway, caller, candidates.iter().copied().collect()).await?;
            candidates.retain(|group| !open.contains(group));
        }
        Ok(Self { closed: candidates })
    }

    /// Whether an event is about a message that the history hides from a member.
    pub fn hides(&self, table: &Table, event: &FeedEvent, user: UserId) -> bool {
        !self.closed.is_empty()
            && place(event).is_some_and(|(group, msg_id)| {
                self.closed.contains(&group) && table.is_from_before(Some(user), group, msg_id)
            })
    }
}

/// The group or room and the message that something happens to. What is said there is newer than any membership.
fn place(event: &FeedEvent) -> Option<(i64, MsgId)> {
    let group = match event.conversation? {
        ConversationId::Group(group) => group.0,
        ConversationId::Room(room) => room.0,
        ConversationId::Direct(..) => return None,
    };
    match EventKind::of_name(&event.wire.kind)? {
        EventKind::Sent
        | EventKind::Online
        | EventKind::OnlineBroadcast
        | EventKind::Refused
        | EventKind::Changed(_) => None,
        EventKind::Recalled
        | EventKind::Edited
        | EventKind::Reacted
        | EventKind::Unreacted
        | EventKind::Pinned
        | EventKind::Unpinned
        | EventKind::Read
        | EventKind::Delivered => Some((group, MsgId(event.wire.msg_id))),
    }
}
