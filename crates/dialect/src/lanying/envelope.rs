//! The envelope (lanying.md 2).

use serde::Serialize;
use tidings_domain::{ConversationId, MsgId, UserId};

use super::{Refusal, dto};
use crate::json::bytes_of;

/// Success.
const OK: i32 = 200;

/// An answer with `data`.
pub(super) fn answer<D: Serialize>(data: D) -> Vec<u8> {
    bytes_of(&dto::Envelope { code: OK, data: Some(data), message: None, msg_ids: None })
}

/// `data: true`.
pub fn done() -> Vec<u8> {
    answer(true)
}

/// The answer to a send: `msg_ids` is there when there was exactly one receiver.
pub fn sent(only: Option<MsgId>) -> Vec<u8> {
    bytes_of(&dto::Envelope { code: OK, data: Some(true), message: None, msg_ids: only.map(|id| [id.0]) })
}

/// A refusal.
pub fn error(refusal: &Refusal) -> Vec<u8> {
    let envelope =
        dto::Envelope::<()> { code: refusal.code, data: None, message: Some(&refusal.message), msg_ids: None };
    bytes_of(&envelope)
}

/// The user's conversations, each with what is unread (lanying.md 5.7). Rooms are left out (decision 29).
pub fn unread(user: UserId, conversations: impl IntoIterator<Item = (ConversationId, i64)>) -> Vec<u8> {
    let shown = |(conversation, num)| {
        let uid = opposite(conversation, user)?;
        Some(dto::Unread { conversation_id: dto::UnreadId { uid }, num })
    };
    answer(conversations.into_iter().filter_map(shown).collect::<Vec<_>>())
}

/// The id under which `user` knows the conversation: the peer's or the group's.
fn opposite(conversation: ConversationId, user: UserId) -> Option<i64> {
    match conversation {
        ConversationId::Direct(..) => conversation.peer_of(user).map(|peer| peer.0),
        ConversationId::Group(group) => Some(group.0),
        ConversationId::Room(_) => None,
    }
}
