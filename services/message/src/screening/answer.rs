//! A hook's decision, parsed from every vendor's format.

use tidings_dialects::{agora, tencent};
use tidings_domain::{Content, HookForm};

/// Why a message is refused, if a server in Tencent's format gives no reason.
const REFUSED: &str = "refused by the callback before sending";

/// The decision for the message in one conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Deliver,
    /// Deliver this instead.
    Change(Box<Content>),
    /// Discard it, but answer the sender as if it had been delivered.
    Discard,
    /// Refuse it; with the server's text, after its number if it returned one.
    Refuse(String),
    /// There is no valid answer.
    None,
}

impl Answer {
    /// Parses the answer to a request about `content`.
    pub fn read(form: HookForm, status: u16, answer: &[u8], content: &Content) -> Self {
        match form {
            HookForm::Tencent => tencent::verdict(status, answer, content).map_or(Self::None, Into::into),
            HookForm::Agora => agora::decision(status, answer, content).map_or(Self::None, Into::into),
        }
    }
}

impl From<tencent::Verdict> for Answer {
    fn from(verdict: tencent::Verdict) -> Self {
        match verdict {
            tencent::Verdict::Deliver => Self::Deliver,
            tencent::Verdict::DeliverChanged(content) => Self::Change(content),
            tencent::Verdict::Discard => Self::Discard,
            tencent::Verdict::Refuse { code: Some(code), info } => Self::Refuse(format!("{code} {info}")),
            tencent::Verdict::Refuse { code: None, info } if info.is_empty() => Self::Refuse(REFUSED.to_owned()),
            tencent::Verdict::Refuse { code: None, info } => Self::Refuse(info),
        }
    }
}

impl From<agora::Decision> for Answer {
    fn from(decision: agora::Decision) -> Self {
        match decision {
            agora::Decision::Deliver => Self::Deliver,
            agora::Decision::DeliverChanged(content) => Self::Change(content),
            agora::Decision::Reject(shown) => Self::Refuse(shown),
        }
    }
}
