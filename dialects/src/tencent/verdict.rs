//! Parses receivers' answers (tencent.md 1, 4, 6). The body is parsed whatever its Content-Type; missing keys and
//! additional ones are allowed.

use tidings_domain::{Content, ConversationKind, Ext, Reason};

use super::{dto, elements, elements_back};
use crate::{
    json::{Object, is_same_value},
    number::Integer,
};

/// A receiver's decision on a message before it is sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Deliver it as it is.
    Deliver,
    /// Deliver this instead.
    DeliverChanged(Box<Content>),
    /// Do not deliver it, and report that to the sender.
    Refuse {
        /// 120001 to 130000, which is reported to the sender; `None` for the dialect's own number: see
        /// [`refused_code`].
        code: Option<i32>,
        /// The receiver's text; may be empty.
        info: String,
    },
    /// Do not deliver it, but answer the sender as if it had been delivered.
    Discard,
}

/// The number for the sender of a refused message if the receiver returns none of its own (tencent.md 6).
pub const fn refused_code(kind: ConversationKind) -> i32 {
    match kind {
        ConversationKind::Direct => 20006,
        ConversationKind::Group | ConversationKind::Room => 10016,
    }
}

/// The vendor's number and our text in a callback after the sending, for a refusal for that reason (tencent.md 4 and
/// 7). `detail` supplements the reason: for a hook's refusal the hook's text, which is used unchanged.
pub fn refusal(reason: Option<Reason>, detail: &str, kind: ConversationKind) -> (i32, &str) {
    match reason {
        Some(Reason::TextBlocked) => (80001, "the message contains a word that is not allowed"),
        Some(Reason::BlockedByReceiver) => (20007, "the receiver has blocked the sender"),
        Some(Reason::NotAContact) => (20009, "the receiver is no contact of the sender"),
        Some(Reason::NotGroupMember) => (10007, "the sender is not in the group"),
        Some(Reason::UserMuted) if matches!(kind, ConversationKind::Direct) => (20012, "the sender is muted"),
        Some(Reason::Muted | Reason::GroupMuted | Reason::UserMuted) => (10017, "the sender is muted in the group"),
        Some(Reason::UserDisabled) => (20003, "the sender is disabled"),
        Some(Reason::UserNotFound) => (20003, "there is no such account"),
        Some(Reason::GroupDisabled) => (20003, "the group is disabled"),
        Some(Reason::GroupNotFound) => (20003, "there is no such group"),
        _ => hook_refusal(detail).unwrap_or((refused_code(kind), detail)),
    }
}

/// The numbers that a receiver may refuse with (tencent.md 6).
const OWN_CODES: std::ops::RangeInclusive<i32> = 120_001..=130_000;

/// The receiver's own number before a refusal's text, as `<number> <words>`.
pub fn hook_refusal(text: &str) -> Option<(i32, &str)> {
    let (code, words) = text.split_once(' ')?;
    let code = code.parse().ok().filter(|code| OWN_CODES.contains(code))?;
    Some((code, words))
}

/// Parses the answer to a callback before `content` is sent. `None`, no decision, for any status but 200, for what is
/// not JSON, for a missing or unknown `ErrorCode`, and for an invalid new `MsgBody`: it was to replace the message,
/// which then must not be sent as if it had been approved.
pub fn verdict(status: u16, answer: &[u8], content: &Content) -> Option<Verdict> {
    if status != 200 {
        return None;
    }
    let Object(answer): Object<dto::Answer<'_>> = serde_json::from_slice(answer).ok()?;
    let Integer(code) = answer.error_code?;
    match code {
        0 => delivered(&answer, content),
        1 => Some(Verdict::Refuse { code: None, info: answer.error_info }),
        2 => Some(Verdict::Discard),
        120_001..=130_000 => Some(Verdict::Refuse { code: Some(code as i32), info: answer.error_info }),
        _ => None,
    }
}

/// Receivers in typed languages write every key: `null`, an empty array and an empty text change nothing. Nor does a
/// `MsgBody` that only repeats the one they were sent.
fn delivered(answer: &dto::Answer<'_>, content: &Content) -> Option<Verdict> {
    let mut changed = content.clone();
    if let Some(msg_body) = answer.msg_body
        && !is_empty(msg_body.get())
        && !is_same_value(msg_body.get(), &elements(content))
    {
        changed = replaced(changed, elements_back(msg_body.get()).ok()?);
    }
    if !answer.cloud_custom_data.is_empty() && elements::cloud_custom_data(content) != Some(&answer.cloud_custom_data) {
        changed.ext = Some(Ext::Text(answer.cloud_custom_data.clone()));
    }
    Some(if changed == *content { Verdict::Deliver } else { Verdict::DeliverChanged(Box::new(changed)) })
}

fn is_empty(msg_body: &str) -> bool {
    let inside = msg_body.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inside.is_some_and(|inside| inside.trim().is_empty())
}

/// The message with another body. A file with the same URL keeps the fields that elements lack.
fn replaced(content: Content, new: Content) -> Content {
    let mut body = new.body;
    if let (Some(new), Some(old)) = (body.media_mut(), content.body.media())
        && new.url == old.url
    {
        new.secret.clone_from(&old.secret);
        new.name = new.name.take().or_else(|| old.name.clone());
    }
    Content { body, verbatim: None, ..content }
}

/// An error reported by a receiver of a callback after the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// `ErrorCode`; 0 if only `ActionStatus` reports an error.
    pub code: i64,
    /// `ErrorInfo`; may be empty.
    pub info: String,
}

/// Parses the answer to a callback after the event, of which any 2xx is a delivery. `Some` is for the records (decision
/// 33): `ActionStatus` is FAIL or `ErrorCode` is not 0. Invalid answers report no error.
pub fn after_answer(answer: &[u8]) -> Option<Failure> {
    let Object(answer): Object<dto::Answer<'_>> = serde_json::from_slice(answer).ok()?;
    let code = answer.error_code.map_or(0, |Integer(code)| code);
    let has_failed = answer.action_status.is_some_and(|status| status.eq_ignore_ascii_case("FAIL"));
    (has_failed || code != 0).then_some(Failure { code, info: answer.error_info })
}
