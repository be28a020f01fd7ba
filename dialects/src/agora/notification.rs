//! When users want to be notified of messages (agora.md 10.2).

use std::time::Duration;

use super::{Call, Refusal, Timing, channel::value, dto, user_update::decode_or_default};
use crate::json::bytes_of;

/// Maximum number of conversations per call.
const MAX_TARGETS: usize = 100;
/// The default page size, and the maximum.
const PAGE: (i32, i32) = (10, 50);

/// Of which messages a user is notified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NotificationMode {
    /// As of all conversations.
    #[default]
    Default,
    /// Of every message.
    All,
    /// Of those that mention them.
    At,
    /// Of none.
    Nothing,
}

impl NotificationMode {
    const ALL: [Self; 4] = [Self::Default, Self::All, Self::At, Self::Nothing];

    const fn word(self) -> &'static str {
        match self {
            Self::Default => "DEFAULT",
            Self::All => "ALL",
            Self::At => "AT",
            Self::Nothing => "NONE",
        }
    }
}

/// A setting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notification {
    /// Of which messages.
    pub mode: NotificationMode,
    /// Two times of the day, such as `21:30-8:00`; empty: none.
    pub quiet_hours: String,
    /// Until when there are none, in milliseconds; 0: never set.
    pub quiet_until: i64,
}

/// A change of it; `None`: unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotificationChange {
    /// Of which messages.
    pub mode: Option<NotificationMode>,
    /// Two times of the day.
    pub quiet_hours: Option<String>,
    /// For how long there are none, from now on.
    pub quiet_for: Option<Duration>,
}

/// Parses a change.
pub fn notification_change(body: &[u8]) -> Result<NotificationChange, Refusal> {
    let dto: dto::SetNotification<'_> = decode_or_default(body)?;
    let mode = dto.kind.map(|word| {
        let known = NotificationMode::ALL.into_iter().find(|mode| mode.word().eq_ignore_ascii_case(&word));
        known.ok_or_else(|| Refusal::illegal_argument("type must be DEFAULT, ALL, AT or NONE"))
    });
    let quiet_for = dto.ignore_duration.map(|millis| {
        let millis = u64::try_from(millis.0);
        millis.map(Duration::from_millis).map_err(|_| Refusal::illegal_argument("ignoreDuration must not be negative"))
    });
    let quiet_hours = dto.ignore_interval.map(std::borrow::Cow::into_owned);
    Ok(NotificationChange { mode: mode.transpose()?, quiet_hours, quiet_for: quiet_for.transpose()? })
}

/// Parses the language of translations.
pub fn notification_language(body: &[u8]) -> Result<String, Refusal> {
    let dto: dto::SetLanguage<'_> = decode_or_default(body)?;
    let language = dto.translation_language.filter(|language| !language.is_empty());
    language
        .map(std::borrow::Cow::into_owned)
        .ok_or_else(|| Refusal::illegal_argument("translationLanguage is required"))
}

/// Parses `user=a,b&group=1,2`: names and ids as written, at most 100 together.
pub fn notification_targets(query: &str) -> Result<(Vec<String>, Vec<String>), Refusal> {
    let list = |name: &str| -> Vec<String> {
        let written = value(query, name).unwrap_or_default();
        written.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let (users, groups) = (list("user"), list("group"));
    if users.len() + groups.len() > MAX_TARGETS {
        return Err(Refusal::illegal_argument(format!("user and group must be at most {MAX_TARGETS} together")));
    }
    Ok((users, groups))
}

/// Parses `limit` and `cursor`.
pub fn notification_page(query: &str) -> Result<(i32, String), Refusal> {
    let limit = match value(query, "limit") {
        None => PAGE.0,
        Some(text) => text.parse().map_err(|_| Refusal::illegal_argument("limit must be a number"))?,
    };
    Ok((limit.clamp(1, PAGE.1), value(query, "cursor").filter(|cursor| cursor != "undefined").unwrap_or_default()))
}

fn shown(setting: &Notification) -> dto::Notification<'_> {
    dto::Notification {
        kind: setting.mode.word(),
        ignore_interval: Some(setting.quiet_hours.as_str()).filter(|hours| !hours.is_empty()),
        ignore_duration: Some(setting.quiet_until).filter(|until| *until > 0),
    }
}

/// One setting.
pub fn notification(call: &Call<'_>, timing: Timing, setting: &Notification) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(shown(setting)), ..call.envelope(timing) })
}

/// Settings of conversations, by the names and ids of the request.
pub fn notifications(
    call: &Call<'_>,
    timing: Timing,
    users: &[(String, Notification)],
    groups: &[(String, Notification)],
) -> Vec<u8> {
    let data = dto::Notifications {
        user: users.iter().map(|(name, setting)| (name.as_str(), shown(setting))).collect(),
        group: groups.iter().map(|(name, setting)| (name.as_str(), shown(setting))).collect(),
    };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// The language of translations; empty: none was set.
pub fn language(call: &Call<'_>, timing: Timing, language: &str) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(dto::Language { language }), ..call.envelope(timing) })
}

/// A conversation with a mode of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotifiedConversation {
    /// With the user of that name.
    User(String),
    /// A group or room.
    Group(i64),
}

/// A page of the conversations with modes of their own.
pub fn notification_modes(
    call: &Call<'_>,
    timing: Timing,
    modes: &[(NotifiedConversation, NotificationMode)],
    cursor: &str,
) -> Vec<u8> {
    let one = |(conversation, mode): &(NotifiedConversation, NotificationMode)| {
        let (user, group) = match conversation {
            NotifiedConversation::User(name) => (Some(name.clone()), None),
            NotifiedConversation::Group(id) => (None, Some(id.to_string())),
        };
        dto::NotificationModeOf { user, group, value: mode.word() }
    };
    let data: Vec<_> = modes.iter().map(one).collect();
    bytes_of(&dto::Envelope { data: Some(data), cursor: Some(cursor), ..call.envelope(timing) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_has_what_the_client_wrote() {
        let read = |body: &str| notification_change(body.as_bytes());
        assert_eq!(read(r#"{"type":"NONE"}"#).unwrap().mode, Some(NotificationMode::Nothing));
        assert_eq!(read(r#"{"ignoreInterval":"21:30-8:0"}"#).unwrap().quiet_hours.as_deref(), Some("21:30-8:0"));
        assert_eq!(read(r#"{"ignoreDuration":1000}"#).unwrap().quiet_for, Some(Duration::from_secs(1)));
        assert!(read(r#"{"type":"LOUD"}"#).is_err() && read(r#"{"ignoreDuration":-1}"#).is_err());
        assert_eq!(notification_language(br#"{"translationLanguage":"de"}"#).unwrap(), "de");
        assert!(notification_language(b"{}").is_err());
    }

    #[test]
    fn several_conversations_are_named_with_commas() {
        let (users, groups) = notification_targets("user=omar,pia&group=17").unwrap();
        assert_eq!((users, groups), (vec!["omar".to_owned(), "pia".to_owned()], vec!["17".to_owned()]));
        assert_eq!(notification_targets("user=&group=").unwrap(), (vec![], vec![]));
        assert!(notification_targets(&format!("user={}", "a,".repeat(101))).is_err());
    }
}
