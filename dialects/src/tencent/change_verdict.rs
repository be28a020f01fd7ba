//! Parses receivers' answers to callbacks before a change of groups and contacts (tencent.md 6.1).
//!
//! `ActionStatus` and `ErrorCode` must be there, and every key must be of its type: what is not certain is not a
//! decision.

use std::ops::RangeInclusive;

use super::dto::{ActionStatus, ChangeAnswer};
use crate::json::Object;

/// The numbers that a receiver may refuse a change of groups with.
const GROUP_CODES: RangeInclusive<i64> = 10_100..=10_200;

/// A receiver's decision on a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeVerdict {
    /// It may be made.
    Allow {
        /// The accounts it is refused for; only of users who are added to a group.
        but: Vec<String>,
    },
    /// It must not be made.
    Refuse {
        /// The receiver's own number, if it returned one.
        code: Option<i64>,
        /// The receiver's text; may be empty.
        info: String,
    },
}

/// Parses the answer about a group. `None`, no decision, for any status but 200, and for an answer that has other keys,
/// types or numbers than the vendor allows.
pub fn group_verdict(status: u16, answer: &[u8]) -> Option<ChangeVerdict> {
    let answer = read(status, answer)?;
    let info = answer.error_info.unwrap_or_default();
    match (answer.action_status, answer.error_code) {
        (ActionStatus::Ok, 0) => Some(ChangeVerdict::Allow { but: answer.refused_members.unwrap_or_default() }),
        (_, 1) => Some(ChangeVerdict::Refuse { code: None, info }),
        (_, code) if GROUP_CODES.contains(&code) => Some(ChangeVerdict::Refuse { code: Some(code), info }),
        _ => None,
    }
}

/// Parses the answer about the contact with the account `to`, which `ResultItem` must name. There any number but 0
/// refuses; an `ErrorCode` other than 0 says that the receiver failed, which is not a decision.
pub fn friend_verdict(status: u16, answer: &[u8], to: &str) -> Option<ChangeVerdict> {
    let answer = read(status, answer)?;
    if (answer.action_status, answer.error_code) != (ActionStatus::Ok, 0) {
        return None;
    }
    let item = answer.result_item?.into_iter().find(|item| item.to == to)?;
    Some(match item.result_code {
        0 => ChangeVerdict::Allow { but: Vec::new() },
        code => ChangeVerdict::Refuse { code: Some(code), info: item.result_info.unwrap_or_default() },
    })
}

fn read(status: u16, answer: &[u8]) -> Option<ChangeAnswer> {
    if status != 200 {
        return None;
    }
    let Object(answer) = serde_json::from_slice::<Object<ChangeAnswer>>(answer).ok()?;
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "as what is read")]
    fn refuse(code: Option<i64>, info: &str) -> Option<ChangeVerdict> {
        Some(ChangeVerdict::Refuse { code, info: info.to_owned() })
    }

    #[expect(clippy::unnecessary_wraps, reason = "as what is read")]
    fn allow(but: &[&str]) -> Option<ChangeVerdict> {
        Some(ChangeVerdict::Allow { but: but.iter().map(|account| (*account).to_owned()).collect() })
    }

    #[test]
    fn a_decision_on_a_group_is_strictly_typed_tencent_6_1() {
        for (answer, expected) in [
            (r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#, allow(&[])),
            (r#"{"ActionStatus":"OK","ErrorCode":0,"Other":[1]}"#, allow(&[])),
            (r#"{"ActionStatus":"OK","ErrorCode":0,"RefusedMembers_Account":null}"#, allow(&[])),
            (r#"{"ActionStatus":"OK","ErrorCode":0,"RefusedMembers_Account":["jared"]}"#, allow(&["jared"])),
            (r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":1}"#, refuse(None, "")),
            (r#"{"ActionStatus":"FAIL","ErrorInfo":"no","ErrorCode":1}"#, refuse(None, "no")),
            (r#"{"ActionStatus":"OK","ErrorInfo":"no","ErrorCode":10100}"#, refuse(Some(10_100), "no")),
            (r#"{"ActionStatus":"FAIL","ErrorInfo":"no","ErrorCode":10200}"#, refuse(Some(10_200), "no")),
            (r#"{"ActionStatus":"OK","ErrorCode":10201}"#, None),
            (r#"{"ActionStatus":"OK","ErrorCode":10099}"#, None),
            (r#"{"ActionStatus":"OK","ErrorCode":120001}"#, None),
            (r#"{"ActionStatus":"FAIL","ErrorCode":0}"#, None),
            (r#"{"ActionStatus":"ok","ErrorCode":0}"#, None),
            (r#"{"ActionStatus":"OK","ErrorCode":"0"}"#, None),
            (r#"{"ActionStatus":"OK"}"#, None),
            (r#"{"ErrorCode":0}"#, None),
            (r#"{"ActionStatus":"OK","ErrorCode":0,"RefusedMembers_Account":"jared"}"#, None),
            (r#"{"ActionStatus":"OK","ErrorCode":0,"RefusedMembers_Account":[1]}"#, None),
            (r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":7}"#, None),
            (r#"["OK",0]"#, None),
            ("", None),
        ] {
            assert_eq!(group_verdict(200, answer.as_bytes()), expected, "{answer}");
        }
        assert_eq!(group_verdict(500, br#"{"ActionStatus":"OK","ErrorCode":0}"#), None);
    }

    #[test]
    fn a_decision_on_a_contact_is_the_items_tencent_6_1() {
        let of = |code: &str, item: &str| {
            format!(r#"{{"ActionStatus":"OK","ErrorCode":{code},"ErrorInfo":"e","ResultItem":{item}}}"#)
        };
        for (answer, expected) in [
            (of("0", r#"[{"To_Account":"id1","ResultCode":0,"ResultInfo":""}]"#), allow(&[])),
            (of("0", r#"[{"To_Account":"id1","ResultCode":0}]"#), allow(&[])),
            (of("0", r#"[{"To_Account":"id1","ResultCode":38000,"ResultInfo":"no"}]"#), refuse(Some(38_000), "no")),
            (of("0", r#"[{"To_Account":"id1","ResultCode":1}]"#), refuse(Some(1), "")),
            (of("0", r#"[{"To_Account":"id2","ResultCode":0}]"#), None),
            (of("0", r#"[{"To_Account":"id1","ResultCode":"0"}]"#), None),
            (of("0", "[]"), None),
            (of("0", "null"), None),
            (of("38000", r#"[{"To_Account":"id1","ResultCode":0}]"#), None),
            (r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#.to_owned(), None),
        ] {
            assert_eq!(friend_verdict(200, answer.as_bytes(), "id1"), expected, "{answer}");
        }
    }
}
