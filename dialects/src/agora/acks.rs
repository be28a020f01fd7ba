//! Who has read a message of a group (agora.md 12).

use tidings_domain::{MsgId, UnixMillis, decimal_id};

use super::{Call, Refusal, Timing, channel::value, dto};
use crate::json::bytes_of;

/// The default and the maximum page size.
const LIMIT: i32 = 500;

/// A page of readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadersQuery {
    /// 1 to 500.
    pub limit: i32,
    /// The `next_key` of the page before; empty: from the first.
    pub key: String,
}

/// Parses `limit` and `key`, which the web SDK sends as `undefined`.
pub fn readers_query(query: &str) -> Result<ReadersQuery, Refusal> {
    let limit = match value(query, "limit") {
        None => LIMIT,
        Some(text) => text.parse::<i32>().map_err(|_| Refusal::illegal_argument("limit must be a number"))?,
    };
    let key = value(query, "key").filter(|key| !matches!(key.as_str(), "undefined" | "null")).unwrap_or_default();
    if !key.is_empty() && decimal_id(&key).is_none() {
        return Err(Refusal::illegal_argument("key must be the next_key of a page"));
    }
    Ok(ReadersQuery { limit: limit.clamp(1, LIMIT), key })
}

/// A page of readers.
#[derive(Debug)]
pub struct AckPage<'a> {
    /// The message.
    pub msg_id: MsgId,
    /// The readers' names, and when their marks moved.
    pub readers: &'a [(String, UnixMillis)],
    /// On all pages.
    pub total: i64,
    /// Empty: there is no further page.
    pub next_key: &'a str,
}

/// The readers.
pub fn acks(call: &Call<'_>, timing: Timing, page: &AckPage<'_>) -> Vec<u8> {
    let (msg_id, is_last) = (page.msg_id.to_string(), page.next_key.is_empty());
    let (total, next_key, timestamp) = (page.total, page.next_key, timing.timestamp);
    let data = dto::Acks {
        ackmid: &msg_id,
        userlist: page.readers.iter().map(|(name, _)| name.as_str()).collect(),
        total,
        is_last,
        next_key,
        timestamp,
        group_ack: dto::GroupAck {
            userlist: page.readers.iter().map(|(name, at)| acked_by(name, *at, &msg_id)).collect(),
            next_key,
            is_last,
            total,
            ack_id_count: total,
        },
    };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

const fn acked_by<'a>(username: &'a str, at: UnixMillis, meta_id: &'a str) -> dto::AckedBy<'a> {
    dto::AckedBy { username, meta_id, timestamp: at.0, ack_content: "" }
}
