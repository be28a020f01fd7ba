//! When users want to be notified of messages.

use std::time::Duration;

use tidings_domain::{Error, UnixMillis, UserId};

use super::check_text;

const MAX_LANGUAGE: usize = 64;
/// The longest time without notifications from now on.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// What a setting is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum NotificationTarget {
    /// All conversations.
    All,
    /// The direct conversation with a user.
    User(UserId),
    /// A group or room.
    Group(i64),
}

impl NotificationTarget {
    /// The id, and the kind, as they are stored.
    pub(crate) const fn key(self) -> (i64, i64) {
        match self {
            Self::All => (0, 0),
            Self::User(user) => (user.0, 1),
            Self::Group(group) => (group, 2),
        }
    }

    /// Of a stored row.
    pub(crate) const fn of_key(target_id: i64, kind: i64) -> Self {
        match kind {
            1 => Self::User(UserId(target_id)),
            2 => Self::Group(target_id),
            _ => Self::All,
        }
    }
}

/// Of which messages a user is notified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum NotificationMode {
    #[default]
    Default,
    All,
    Mentions,
    Nothing,
}

impl NotificationMode {
    /// As it is stored.
    pub(crate) const fn number(self) -> i64 {
        match self {
            Self::Default => 0,
            Self::All => 1,
            Self::Mentions => 2,
            Self::Nothing => 3,
        }
    }

    /// Of a stored number.
    pub(crate) const fn of_number(number: i64) -> Self {
        match number {
            1 => Self::All,
            2 => Self::Mentions,
            3 => Self::Nothing,
            _ => Self::Default,
        }
    }
}

/// What a user has set for a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NotificationSetting {
    pub(crate) mode: NotificationMode,
    /// `21:30-8:00`; empty: never set.
    pub(crate) quiet_hours: String,
    /// `None`: never set.
    pub(crate) quiet_until: Option<UnixMillis>,
    pub(crate) language: String,
}

/// What changes; `None`: nothing.
#[derive(Debug, Default)]
pub(crate) struct NotificationChange {
    pub(crate) mode: Option<NotificationMode>,
    pub(crate) quiet_hours: Option<String>,
    pub(crate) quiet_for: Option<Duration>,
    pub(crate) language: Option<String>,
}

impl NotificationChange {
    /// Refuses what is out of range, by the names of the request's fields.
    pub(crate) fn check(&self, target: NotificationTarget) -> Result<(), Error> {
        if self.quiet_hours.as_deref().is_some_and(|hours| !hours.is_empty() && !is_span_of_day(hours)) {
            return Err(Error::invalid("quiet_hours", "must be two times of the day, such as 21:30-8:00"));
        }
        if self.quiet_for.is_some_and(|time| time > LONGEST) {
            return Err(Error::invalid("quiet_for", format!("must be at most {} milliseconds", LONGEST.as_millis())));
        }
        check_text("language", self.language.as_deref().unwrap_or_default(), MAX_LANGUAGE)?;
        if self.language.is_some() && target != NotificationTarget::All {
            return Err(Error::invalid("language", "is set for all conversations together"));
        }
        Ok(())
    }

    /// The setting afterwards.
    pub(crate) fn applied_to(self, before: NotificationSetting, now: UnixMillis) -> NotificationSetting {
        let until = |time: Duration| (!time.is_zero()).then(|| now + time);
        NotificationSetting {
            mode: self.mode.unwrap_or(before.mode),
            quiet_hours: self.quiet_hours.unwrap_or(before.quiet_hours),
            quiet_until: self.quiet_for.map_or(before.quiet_until, until),
            language: self.language.unwrap_or(before.language),
        }
    }
}

/// `H:M-H:M`, with one or two digits each.
fn is_span_of_day(text: &str) -> bool {
    let below = |digits: &str, end: u8| {
        (1..=2).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_digit())
            && digits.parse::<u8>().is_ok_and(|number| number < end)
    };
    let is_time = |time: &str| time.split_once(':').is_some_and(|(hour, minute)| below(hour, 25) && below(minute, 60));
    text.split_once('-').is_some_and(|(from, to)| is_time(from) && is_time(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_are_two_times_of_the_day() {
        for (text, is_span) in [
            ("21:30-8:0", true),
            ("00:00-24:00", true),
            ("21:30", false),
            ("21:60-8:00", false),
            ("25:00-8:00", false),
            ("021:30-8:00", false),
            ("a:b-c:d", false),
            ("1:2-3:4-5:6", false),
        ] {
            assert_eq!(is_span_of_day(text), is_span, "{text}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_refused_by_its_field() {
        let field = |change: NotificationChange, target| {
            change.check(target).err().and_then(|error| error.field().map(str::to_owned))
        };
        let hours = || NotificationChange { quiet_hours: Some("now".to_owned()), ..Default::default() };
        assert_eq!(field(hours(), NotificationTarget::All).as_deref(), Some("quiet_hours"));
        let long = NotificationChange { quiet_for: Some(LONGEST + Duration::from_millis(1)), ..Default::default() };
        assert_eq!(field(long, NotificationTarget::All).as_deref(), Some("quiet_for"));
        let language = || NotificationChange { language: Some("de".to_owned()), ..Default::default() };
        assert_eq!(field(language(), NotificationTarget::Group(17)).as_deref(), Some("language"));
        assert_eq!(field(language(), NotificationTarget::All), None);
    }
}
