//! Query strings of the message calls (lanying.md 5.1 to 5.3).

use tidings_domain::MsgId;

use super::{Params, Refusal};

/// The maximum page size.
const MAX_LIMIT: i64 = 100;

/// `GET /message/ack`. At least one of the two is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkReadQuery {
    /// The other user or the group; absent: the message's conversation.
    pub opposite: Option<i64>,
    /// The last message acknowledged; absent: the newest.
    pub msg_id: Option<MsgId>,
}

/// `GET /message/conversation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryQuery {
    /// The other user or the group; 0 is the system.
    pub opposite: i64,
    /// The newest message to return; zero is the newest that exists.
    pub start: MsgId,
    /// 1 to 100.
    pub limit: i32,
}

/// Parses the query of an acknowledgement. 0 is absent as a message, and the system as a conversation; `device_sn` must
/// be a number.
pub fn mark_read_query(query: &str) -> Result<MarkReadQuery, Refusal> {
    let params = Params::read(query, b"")?;
    params.int("device_sn")?;
    let opposite = opposite(&params, "conversation_id")?;
    let msg_id = params.maybe_id("msg_id")?;
    if opposite.is_none() && msg_id.is_none() {
        return Err(Refusal::bad_parameter("conversation_id", "or msg_id is required"));
    }
    Ok(MarkReadQuery { opposite, msg_id: msg_id.map(MsgId) })
}

/// Parses the query of a history page; a limit above the cap is the cap.
pub fn history_query(query: &str) -> Result<HistoryQuery, Refusal> {
    let params = Params::read(query, b"")?;
    let required = |name| opposite(&params, name)?.ok_or_else(|| Refusal::bad_parameter(name, "is required"));
    let (opposite, start) = (required("opposite_id")?, MsgId(required("msg_id_start")?));
    let limit = params.int("limit")?.ok_or_else(|| Refusal::bad_parameter("limit", "is required"))?;
    if limit <= 0 {
        return Err(Refusal::bad_parameter("limit", "must be positive"));
    }
    Ok(HistoryQuery { opposite, start, limit: limit.min(MAX_LIMIT) as i32 })
}

/// Parses a call's single conversation; 0 is the system.
pub fn conversation_of(params: &Params) -> Result<i64, Refusal> {
    let name = "conversation_id";
    opposite(params, name)?.ok_or_else(|| Refusal::bad_parameter(name, "is required"))
}

/// An id for which 0 has a meaning.
fn opposite(params: &Params, name: &str) -> Result<Option<i64>, Refusal> {
    match params.int(name)? {
        Some(id) if id < 0 => Err(Refusal::bad_parameter(name, "must not be negative")),
        id => Ok(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_needs_all_three_and_clamps_the_limit_lanying_5_2() {
        let all = history_query("opposite_id=32&msg_id_start=0&limit=500").unwrap();
        assert_eq!(all, HistoryQuery { opposite: 32, start: MsgId::ZERO, limit: 100 });
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
        assert_eq!(mark_read_query("msg_id=7&device_sn=1").unwrap().msg_id, Some(MsgId(7)));
        assert_eq!(mark_read_query("conversation_id=32").unwrap().opposite, Some(32));
        assert_eq!(mark_read_query("msg_id=0").unwrap_err().code, 10002);
        assert_eq!(mark_read_query("").unwrap_err().code, 10002);
    }
}
