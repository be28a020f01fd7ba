//! Error answers of the dialect (lanying.md 9).

use std::{fmt::Display, time::Duration};

use serde::Deserialize;
use tidings_domain::{Error, Reason};

use crate::reading::read_body;

/// The code and the text of an error envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The key `code`.
    pub code: i32,
    /// The key `message`.
    pub message: String,
    /// For the header `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The server is overloaded or unavailable: the only case with an HTTP status other than 200 (decision 8).
    pub unavailable: bool,
    /// The reason from the list that all dialects share, for programs.
    pub reason: Reason,
}

impl Refusal {
    /// A request parameter that breaks a rule; `rule` continues "`field` ...".
    pub fn bad_parameter(field: &str, rule: impl Display) -> Self {
        Self::from(Error::invalid(field, rule))
    }
}

impl From<&Error> for Refusal {
    fn from(error: &Error) -> Self {
        Self {
            code: error.reason().words().lanying,
            message: message(error),
            retry_after: error.retry_after(),
            unavailable: error.reason().is_transient(),
            reason: error.reason(),
        }
    }
}

/// Clients know the vendor's words for a sender who is not a contact.
fn message(error: &Error) -> String {
    match error.reason() {
        Reason::NotAContact => format!("relation with target does not allow chat: {}", error.subject()),
        _ => error.to_string(),
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

/// Parses a request body that must be a JSON object. Violations are reported in the parser's words.
pub(super) fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    read_body(body).map_err(|why| Error::new(Reason::InvalidArgument, format!("body: {}", why.words())).into())
}
