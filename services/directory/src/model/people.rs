//! What users keep about themselves: push settings, mutes, attributes, presence.

use std::time::Duration;

use tidings_domain::{Error, Mute, UnixMillis, UserId, UserMutes};

use super::check_text;

const MAX_HOUR: i64 = 24;
const MAX_NOTIFIER: usize = 256;
const MAX_DEVICE_TOKEN: usize = 1024;
/// The vendor's longest mute that is not forever (agora.md 10.2), in seconds.
const MAX_MUTE: i64 = 2_147_483_647;

/// Settings of push notifications. `None`: never set; in a change: unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PushSettings {
    /// 0: only that there is a message; 1: its content.
    pub(crate) display_style: Option<i64>,
    pub(crate) no_disturbing: Option<bool>,
    /// Hours of the day.
    pub(crate) no_disturbing_start: Option<i64>,
    pub(crate) no_disturbing_end: Option<i64>,
    /// In a change: empty removes it.
    pub(crate) notifier_name: Option<String>,
    /// The same.
    pub(crate) device_token: Option<String>,
}

impl PushSettings {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses what is out of range, by the names of the request's fields.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.display_style.is_some_and(|style| !(0..=1).contains(&style)) {
            return Err(Error::invalid("push.display_style", "must be 0 or 1"));
        }
        let hours = [
            ("push.no_disturbing_start", self.no_disturbing_start),
            ("push.no_disturbing_end", self.no_disturbing_end),
        ];
        for (field, hour) in hours {
            if hour.is_some_and(|hour| !(0..=MAX_HOUR).contains(&hour)) {
                return Err(Error::invalid(field, format!("must be an hour from 0 to {MAX_HOUR}")));
            }
        }
        check_text("push.notifier_name", self.notifier_name.as_deref().unwrap_or_default(), MAX_NOTIFIER)?;
        check_text("push.device_token", self.device_token.as_deref().unwrap_or_default(), MAX_DEVICE_TOKEN)
    }

    /// The names of the fields that a change of `before` to these changes.
    pub(crate) fn differing_from(&self, before: &Self) -> Vec<String> {
        // An empty text is none.
        let text = |change: &Option<String>, before: &Option<String>| {
            change.as_deref().is_some_and(|text| text != before.as_deref().unwrap_or_default())
        };
        let fields = [
            ("display_style", self.display_style.is_some() && self.display_style != before.display_style),
            ("no_disturbing", self.no_disturbing.is_some() && self.no_disturbing != before.no_disturbing),
            (
                "no_disturbing_start",
                self.no_disturbing_start.is_some() && self.no_disturbing_start != before.no_disturbing_start,
            ),
            (
                "no_disturbing_end",
                self.no_disturbing_end.is_some() && self.no_disturbing_end != before.no_disturbing_end,
            ),
            ("notifier_name", text(&self.notifier_name, &before.notifier_name)),
            ("device_token", text(&self.device_token, &before.device_token)),
        ];
        fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect()
    }
}

/// For how long a user is muted from now on, by kind of conversation. `None`: unchanged.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MuteChange {
    pub(crate) direct: Option<MuteSpan>,
    pub(crate) group: Option<MuteSpan>,
    pub(crate) room: Option<MuteSpan>,
}

/// A length of a mute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MuteSpan {
    /// Unmutes.
    Lift,
    For(Duration),
    Forever,
}

impl MuteSpan {
    /// 0: lifts it, -1: forever.
    pub(crate) fn from_seconds(field: &str, seconds: i64) -> Result<Self, Error> {
        match seconds {
            0 => Ok(Self::Lift),
            -1 => Ok(Self::Forever),
            1..=MAX_MUTE => Ok(Self::For(Duration::from_secs(seconds.unsigned_abs()))),
            _ => Err(Error::invalid(field, format!("must be -1 to {MAX_MUTE} seconds"))),
        }
    }

    fn from(self, now: UnixMillis) -> Mute {
        match self {
            Self::Lift => Mute::No,
            Self::For(span) => Mute::Until(now + span),
            Self::Forever => Mute::Forever,
        }
    }
}

impl MuteChange {
    /// The mutes after the change, without expired ones.
    pub(crate) fn applied_to(self, mutes: UserMutes, now: UnixMillis) -> UserMutes {
        let after = |before: Mute, span: Option<MuteSpan>| span.map_or(before.at(now), |span| span.from(now));
        UserMutes {
            direct: after(mutes.direct, self.direct),
            group: after(mutes.group, self.group),
            room: after(mutes.room, self.room),
        }
    }
}

/// A device's status to be published.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) resource: String,
    pub(crate) status: String,
    pub(crate) ext: String,
}

/// The presence of one user.
#[derive(Debug, Clone, Default)]
pub(crate) struct Presence {
    /// `None`: there is no such user.
    pub(crate) user: Option<UserId>,
    /// When a device last came online or published a status.
    pub(crate) last_time: Option<UnixMillis>,
    /// Of the caller's subscription.
    pub(crate) expires_at: Option<UnixMillis>,
    /// What was published last.
    pub(crate) ext: String,
    /// By resource.
    pub(crate) statuses: Vec<(String, String)>,
}

/// A user's subscription to another's presence.
#[derive(Debug, Clone)]
pub(crate) struct PresenceSubscription {
    pub(crate) target: UserId,
    /// Empty if the user has no name.
    pub(crate) username: String,
    pub(crate) expires_at: UnixMillis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mute_of_one_kind_leaves_the_others_and_drops_what_is_over() {
        let now = UnixMillis(10_000);
        let before = UserMutes::from_millis([9_000, 11_000, -1]);
        let change = MuteChange { room: Some(MuteSpan::Lift), ..MuteChange::default() };
        assert_eq!(change.applied_to(before, now).millis(), [0, 11_000, 0]);
        let longer = MuteSpan::from_seconds("direct_seconds", 100).unwrap();
        let change = MuteChange { direct: Some(longer), group: Some(MuteSpan::Forever), room: None };
        assert_eq!(change.applied_to(before, now).millis(), [110_000, -1, -1]);
    }

    #[test]
    fn spans_are_minus_1_to_the_vendors_maximum_agora_10_2() {
        for good in [-1, 0, 1, 2_147_483_647] {
            assert!(MuteSpan::from_seconds("direct_seconds", good).is_ok(), "{good}");
        }
        for bad in [-2, 2_147_483_648, i64::MAX, i64::MIN] {
            let error = MuteSpan::from_seconds("direct_seconds", bad).unwrap_err();
            assert_eq!(error.field(), Some("direct_seconds"), "{bad}");
        }
    }

    #[test]
    fn push_settings_out_of_range_name_their_field() {
        let hour = PushSettings { no_disturbing_end: Some(25), ..PushSettings::default() };
        assert_eq!(hour.check().unwrap_err().field(), Some("push.no_disturbing_end"));
        let style = PushSettings { display_style: Some(2), ..PushSettings::default() };
        assert_eq!(style.check().unwrap_err().field(), Some("push.display_style"));
        let token = PushSettings { device_token: Some("x".repeat(1025)), ..PushSettings::default() };
        assert_eq!(token.check().unwrap_err().field(), Some("push.device_token"));
        assert_eq!(token.differing_from(&PushSettings::default()), ["device_token"]);
        assert_eq!(token.differing_from(&token), [""; 0]);
    }
}
