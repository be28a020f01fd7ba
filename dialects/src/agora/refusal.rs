//! Error answers of the dialect (agora.md 8).

use std::{borrow::Cow, fmt::Display, time::Duration};

use serde::Deserialize;
use tidings_domain::{Error, Reason, UserId};

use super::Timing;
use crate::reading::{Unreadable, read_body};

/// The status and the words of an error envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The key `error`.
    pub error: &'static str,
    /// The key `error_description`.
    pub description: Cow<'static, str>,
    /// The key `error_code`, which web SDKs read where the vendor has one.
    pub code: Option<i32>,
    /// For the header `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The reason from the list that all dialects share, for programs.
    pub reason: Reason,
    /// Of a recorded refusal; `None`: the times of this call.
    pub timing: Option<Timing>,
    /// Whom the description names by their id, which this dialect's users never see: see [`Self::naming`].
    pub about: Option<UserId>,
}

impl Refusal {
    /// An invalid request, with the given words; never worth a retry.
    pub fn new(status: u16, error: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        let (description, reason) = (description.into(), Reason::InvalidArgument);
        Self { status, error, description, code: None, retry_after: None, reason, timing: None, about: None }
    }

    /// The same refusal for another reason.
    #[must_use]
    pub fn because(self, reason: Reason) -> Self {
        Self { reason, ..self }
    }

    /// The same refusal with the vendor's numeric code.
    #[must_use]
    pub fn coded(self, code: i32) -> Self {
        Self { code: Some(code), ..self }
    }

    /// The same refusal with the user's name instead of their id. Without a name the id is kept.
    #[must_use]
    pub fn naming(self, username: &str) -> Self {
        if self.about.is_none() || username.is_empty() {
            return self;
        }
        let description = self.reason.words().agora.description.replace("{}", username).into();
        Self { description, about: None, ..self }
    }

    /// The body is not JSON.
    pub fn json_parse(detail: impl Display) -> Self {
        Self::new(400, "json_parse", format!("Unexpected character. {detail}"))
    }

    /// The body has the wrong JSON types, or lacks what its kind needs; `detail` names the field. The vendor's words, which
    /// clients parse, come first.
    pub fn invalid_request_body(detail: impl Display) -> Self {
        let text = format!("Request body is invalid. Please check body is correct. {detail}");
        Self::new(400, "invalid_request_body", text)
    }

    /// An invalid argument, as text.
    pub fn illegal_argument(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, "illegal_argument", description)
    }

    /// A send with something missing.
    pub fn message_send(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, "message_send_error", description)
    }

    /// A call with the token of a user who is disabled; a login has other words (agora.md 8.2).
    pub fn user_disabled() -> Self {
        let refusal = Self::new(403, "forbidden_service_operation", "Service operation not allowed");
        refusal.because(Reason::UserDisabled)
    }

    /// No such app; `path` is the request's path without the leading slash.
    pub fn app_not_found(org: &str, app: &str, path: &str) -> Self {
        let text = format!("Could not find application for {org}/{app} from URI: {path}");
        Self::new(404, "organization_application_not_found", text).because(Reason::AppNotFound)
    }

    /// The key `exception`: one stable name for each code. Clients do not depend on it (agora.md 1.6).
    pub fn exception(&self) -> String {
        match self.error {
            "forbidden_op" => return "EasemobForbiddenOpException".to_owned(),
            "illegal_argument" => return "java.lang.IllegalArgumentException".to_owned(),
            // Named after its exception.
            "MetadataException" => return self.error.to_owned(),
            "unauthorized" => return "org.apache.shiro.authz.UnauthorizedException".to_owned(),
            _ => {}
        }
        let mut name = String::with_capacity(self.error.len() + 9);
        for word in self.error.split(['_', ' ']) {
            name.extend(word.chars().take(1).map(|c| c.to_ascii_uppercase()));
            name.extend(word.chars().skip(1));
        }
        name + "Exception"
    }
}

impl From<&Error> for Refusal {
    fn from(error: &Error) -> Self {
        let words = error.reason().words().agora;
        Self {
            status: words.status,
            error: words.error,
            description: error.agora_description().into(),
            code: None,
            retry_after: error.retry_after(),
            reason: error.reason(),
            timing: error.times().map(|(accepted, committed)| Timing::recorded(accepted, committed)),
            about: error.about_user(),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

/// Parses a request body that must be a JSON object, whatever its Content-Type (decision 22).
pub(super) fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    Ok(read_body(body)?)
}

impl From<Unreadable> for Refusal {
    fn from(why: Unreadable) -> Self {
        match why {
            Unreadable::NotJson(detail) => Self::json_parse(detail),
            Unreadable::Wrong(detail) => Self::invalid_request_body(detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use tidings_domain::Reason;

    use super::*;

    #[test]
    fn every_code_has_a_stable_exception_name_agora_1_6() {
        let name = |error| Refusal::new(400, error, "").exception();
        assert_eq!(name("reach_limit"), "ReachLimitException");
        assert_eq!(name("MetadataException"), "MetadataException");
        assert_eq!(name("Request Entity Too Large"), "RequestEntityTooLargeException");
        assert_eq!(name("illegal_argument"), "java.lang.IllegalArgumentException");
    }

    #[test]
    fn users_are_named_by_their_names() {
        let refusal = Refusal::from(&Error::new(Reason::NotGroupMember, "16010080"));
        assert_eq!(refusal.about, Some(UserId(16_010_080)));
        assert_eq!(refusal.clone().naming("eve").description, "users [eve] are not members of this group!");
        assert_eq!(refusal.naming("").description, "users [16010080] are not members of this group!");
        let of_group = Refusal::from(&Error::new(Reason::GroupNotFound, "16010081"));
        assert_eq!(of_group.naming("eve").description, "grpID 16010081 does not exist!");
    }

    #[test]
    fn a_domain_error_keeps_its_words_and_its_wait() {
        let refusal = Refusal::from(&Error::new(Reason::Overloaded, ""));
        assert_eq!((refusal.status, refusal.error), (503, "service_unavailable"));
        assert_eq!(refusal.retry_after, Some(Duration::from_secs(1)));
    }
}
