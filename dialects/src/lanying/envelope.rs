//! The envelope (lanying.md 2).

use serde::Serialize;
use tidings_domain::{ConversationId, MsgId, UserId};

use super::{Refusal, dto};
use crate::json::bytes_of;

/// Success.
const OK: i32 = 200;

/// An answer with `data`.
pub(super) fn answer<D: Serialize>(data: D) -> Vec<u8> {
    bytes_of(&dto::Envelope { code: OK, data: Some(data), message: None, msg_ids: None, page: None })
}

/// `data: true`.
pub fn done() -> Vec<u8> {
    answer(true)
}

/// The answer to a send: `msg_ids` is present if there was exactly one receiver.
pub fn sent(only: Option<MsgId>) -> Vec<u8> {
    bytes_of(&dto::Envelope { code: OK, data: Some(true), message: None, msg_ids: only.map(|id| [id.0]), page: None })
}

/// A refusal.
pub fn error(refusal: &Refusal) -> Vec<u8> {
    let envelope = dto::Envelope::<()> {
        code: refusal.code,
        data: None,
        message: Some(&refusal.message),
        msg_ids: None,
        page: None,
    };
    bytes_of(&envelope)
}

/// A page of a list. `next` is the start of the following one; in the answer it is the opaque `cursor`.
pub(super) fn page<D: Serialize>(data: D, next: i64, total: Option<i64>) -> Vec<u8> {
    let cursor = (next != 0).then(|| next.to_string());
    let page = Some(dto::PageEnd { cursor, total, version: 0 });
    bytes_of(&dto::Envelope { code: OK, data: Some(data), message: None, msg_ids: None, page })
}

/// `data` is a boolean.
pub fn flag(value: bool) -> Vec<u8> {
    answer(value)
}

/// The id under which `user` knows the conversation: the peer's or the group's. Rooms have none (decision 29).
pub(super) fn opposite(conversation: ConversationId, user: UserId) -> Option<i64> {
    match conversation {
        ConversationId::Direct(..) => conversation.peer_of(user).map(|peer| peer.0),
        ConversationId::Group(group) => Some(group.0),
        ConversationId::Room(_) => None,
    }
}
