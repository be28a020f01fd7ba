//! Errors: a [`Reason`] with its subject, and what it is about.

use std::{error::Error as StdError, fmt, time::Duration};

use crate::{Reason, UnixMillis, UserId};

/// What the Agora dialect returns for a hook that refused without a text (agora.md 11.2).
const SILENT_HOOK: &str = "custom logic denied";

/// A reason, its subject, and a cause that is never shown.
#[derive(Debug)]
pub struct Error {
    reason: Reason,
    subject: String,
    field: Option<Box<str>>,
    times: Option<(UnixMillis, UnixMillis)>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error about `subject`: a name, an id, or for [`Reason::InvalidArgument`], [`Reason::NotPermitted`] and
    /// [`Reason::RefusedByHook`] the sentence itself. Lower case, no full stop; a hook's sentence is its own.
    pub fn new(reason: Reason, subject: impl Into<String>) -> Self {
        Self { reason, subject: subject.into(), field: None, times: None, retry_after: None, source: None }
    }

    /// A field that breaks a rule; `rule` continues "`field` ...".
    pub fn invalid(field: &str, rule: impl fmt::Display) -> Self {
        Self::new(Reason::InvalidArgument, format!("{field} {rule}")).of_field(field)
    }

    /// The same error as one of a field of the request.
    #[must_use]
    pub fn of_field(mut self, field: impl Into<Box<str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The field of the request that it is about, by the name that the call has for it. `None` where it is about none,
    /// or about more than one.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref().or(match self.reason {
            Reason::UsernameIllegal => Some("username"),
            Reason::TooManyRecipients => Some("targets"),
            Reason::MessageTooLarge => Some("content"),
            _ => None,
        })
    }

    /// An action the caller is not allowed to take, as text.
    pub fn not_permitted(text: impl Into<String>) -> Self {
        Self::new(Reason::NotPermitted, text)
    }

    /// No app of that name.
    pub fn app_not_found(name: impl Into<String>) -> Self {
        Self::new(Reason::AppNotFound, name)
    }

    /// No such user.
    pub fn user_not_found(name: impl Into<String>) -> Self {
        Self::new(Reason::UserNotFound, name)
    }

    /// An invalid name.
    pub fn username_illegal(name: impl Into<String>) -> Self {
        Self::new(Reason::UsernameIllegal, name)
    }

    /// An internal error; `source` is logged and never shown.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..Self::new(Reason::Internal, "") }
    }

    /// The same error as a recorded answer: when the call was accepted, and when the answer was committed. Returned
    /// again, it is identical byte for byte (decision 1).
    #[must_use]
    pub const fn recorded(mut self, accepted_at: UnixMillis, committed_at: UnixMillis) -> Self {
        self.times = Some((accepted_at, committed_at));
        self
    }

    /// When the call was accepted and its refusal committed; `None` for an error that was not recorded.
    pub const fn times(&self) -> Option<(UnixMillis, UnixMillis)> {
        self.times
    }

    /// The same error, where a retry makes sense after that time.
    #[must_use]
    pub const fn worth_retrying_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The same error with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The reason.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The subject.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The user that it is about, for reasons whose subject is a user id: for dialects that show usernames.
    pub fn about_user(&self) -> Option<UserId> {
        let names_user = matches!(
            self.reason,
            Reason::NotGroupMember
                | Reason::GroupAdminRequired
                | Reason::GroupOwnerRequired
                | Reason::AlreadyGroupMember
                | Reason::OnGroupBlockList
                | Reason::ApplicationGone
                | Reason::InvitationGone
                | Reason::SharedFileNotOwn
                | Reason::NewOwnerNotMember
                | Reason::Muted
                | Reason::GroupMuted
                | Reason::UserMuted
                | Reason::BlockedByReceiver
                | Reason::AlreadyContact
                | Reason::NotAContact
                | Reason::ContactRequestGone
        );
        if names_user { self.subject.parse().ok().map(UserId) } else { None }
    }

    /// When a retry makes sense; `None` for errors that a retry cannot fix.
    pub fn retry_after(&self) -> Option<Duration> {
        if self.retry_after.is_some() {
            return self.retry_after;
        }
        match self.reason {
            // The window of the limit on guesses.
            Reason::TooManyGuesses => Some(Duration::from_mins(15)),
            // The window of the limit on registrations.
            Reason::TooManyRegistrations => Some(Duration::from_hours(1)),
            Reason::StorageFull => Some(Duration::from_secs(10)),
            reason if reason.is_transient() => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    /// The Agora dialect's description.
    pub fn agora_description(&self) -> String {
        if self.reason == Reason::RefusedByHook && self.subject.is_empty() {
            return SILENT_HOOK.to_owned();
        }
        self.reason.words().agora.description.replace("{}", &self.subject)
    }
}

impl fmt::Display for Error {
    /// The text in gRPC statuses and in the Lanying dialect's `message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.reason.words().name.to_ascii_lowercase().replace('_', " ");
        match self.reason {
            Reason::InvalidArgument | Reason::NotPermitted | Reason::RefusedByHook if !self.subject.is_empty() => {
                f.write_str(&self.subject)
            }
            _ if self.subject.is_empty() => f.write_str(&plain),
            _ => write!(f, "{plain}: {}", self.subject),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_speaks_for_itself_agora_11_2() {
        let said = Error::new(Reason::RefusedByHook, "No ads.");
        assert_eq!((said.agora_description(), said.to_string()), ("No ads.".to_owned(), "No ads.".to_owned()));
        let silent = Error::new(Reason::RefusedByHook, "");
        assert_eq!(silent.agora_description(), "custom logic denied");
        assert_eq!(silent.to_string(), "refused by hook");
    }

    #[test]
    fn a_known_wait_replaces_that_of_the_reason() {
        let wait = Duration::from_secs(7);
        let error = |reason| Error::new(reason, "");
        assert_eq!(error(Reason::RateReached).retry_after(), None);
        for reason in [Reason::RateReached, Reason::Overloaded] {
            assert_eq!(error(reason).worth_retrying_after(wait).retry_after(), Some(wait));
        }
    }

    #[test]
    fn internal_errors_never_show_their_text() {
        let error = Error::internal("password of the database");
        assert_eq!(error.to_string(), "internal");
        assert_eq!(error.agora_description(), "internal error");
    }
}
