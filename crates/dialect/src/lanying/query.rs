//! Query strings of the message calls (lanying.md 5.1 to 5.3).

use tidings_domain::{MsgId, UserId};

use super::{Refusal, dto};

/// Longest page.
const MAX_LIMIT: i64 = 100;

/// `GET /message/ack`. At least one of the two is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AckQuery {
    /// Which conversation; absent: the message's.
    pub opposite: Option<UserId>,
    /// Up to which message; absent: the newest.
    pub msg_id: Option<MsgId>,
}

/// `GET /message/conversation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryQuery {
    /// The other user.
    pub opposite: UserId,
    /// The newest message to show; zero is the newest there is.
    pub start: MsgId,
    /// 1 to 100.
    pub limit: i32,
}

/// Reads the query of an acknowledgement. 0 is absent; `device_sn` must be a number and has no effect yet.
pub fn ack_query(query: &str) -> Result<AckQuery, Refusal> {
    number(query, dto::DEVICE_SN)?;
    let opposite = id(query, dto::CONVERSATION_ID)?;
    let msg_id = id(query, dto::MSG_ID)?.filter(|id| *id != 0);
    if opposite.is_none() && msg_id.is_none() {
        return Err(Refusal::bad_parameter(dto::CONVERSATION_ID, "or msg_id is required"));
    }
    Ok(AckQuery { opposite: opposite.map(UserId), msg_id: msg_id.map(MsgId) })
}

/// Reads the query of a history page; a limit above the cap is the cap.
pub fn history_query(query: &str) -> Result<HistoryQuery, Refusal> {
    let required = |name| id(query, name)?.ok_or_else(|| Refusal::bad_parameter(name, "is required"));
    let opposite = UserId(required(dto::OPPOSITE_ID)?);
    let start = MsgId(required(dto::MSG_ID_START)?);
    let limit = number(query, dto::LIMIT)?.ok_or_else(|| Refusal::bad_parameter(dto::LIMIT, "is required"))?;
    if limit <= 0 {
        return Err(Refusal::bad_parameter(dto::LIMIT, "must be positive"));
    }
    Ok(HistoryQuery { opposite, start, limit: limit.min(MAX_LIMIT) as i32 })
}

/// Reads the query of a deletion.
pub fn conversation_query(query: &str) -> Result<UserId, Refusal> {
    let name = dto::CONVERSATION_ID;
    id(query, name)?.map(UserId).ok_or_else(|| Refusal::bad_parameter(name, "is required"))
}

fn id(query: &str, name: &str) -> Result<Option<i64>, Refusal> {
    match number(query, name)? {
        Some(id) if id < 0 => Err(Refusal::bad_parameter(name, "must not be negative")),
        id => Ok(id),
    }
}

/// Digits need no percent-encoding, so none is undone. Empty is absent; the last of a repeated name counts.
fn number(query: &str, name: &str) -> Result<Option<i64>, Refusal> {
    let values = query.split('&').filter_map(|pair| pair.split_once('='));
    let value = values.filter(|(key, _)| *key == name).map(|(_, value)| value).next_back();
    match value {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| Refusal::bad_parameter(name, "must be a whole number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_needs_all_three_and_clamps_the_limit_lanying_5_2() {
        let all = history_query("opposite_id=32&msg_id_start=0&limit=500").unwrap();
        assert_eq!(all, HistoryQuery { opposite: UserId(32), start: MsgId::ZERO, limit: 100 });
        for bad in [
            "",
            "opposite_id=32&msg_id_start=0",
            "opposite_id=32&limit=20",
            "opposite_id=32&msg_id_start=0&limit=0",
            "opposite_id=x&msg_id_start=0&limit=20",
            "opposite_id=-1&msg_id_start=0&limit=20",
        ] {
            assert_eq!(history_query(bad).unwrap_err().code, 10002, "{bad}");
        }
    }

    #[test]
    fn ack_needs_a_conversation_or_a_message_lanying_5_1() {
        assert_eq!(ack_query("msg_id=7&device_sn=1").unwrap().msg_id, Some(MsgId(7)));
        assert_eq!(ack_query("conversation_id=32").unwrap().opposite, Some(UserId(32)));
        assert_eq!(ack_query("msg_id=0").unwrap_err().code, 10002);
        assert_eq!(ack_query("").unwrap_err().code, 10002);
    }
}
