//! Notification settings on the wire.

use tidings_domain::{Error, UserId};
use tidings_proto::{
    pb::{self, notification_target::Target},
    span, timestamp,
};

use crate::{
    model::notification::{NotificationChange, NotificationMode, NotificationSetting, NotificationTarget},
    store::notification_setting::Listed,
};

impl From<pb::NotificationTarget> for NotificationTarget {
    fn from(wire: pb::NotificationTarget) -> Self {
        match wire.target {
            None => Self::All,
            Some(Target::UserId(user)) => Self::User(UserId(user)),
            Some(Target::GroupId(group)) => Self::Group(group),
        }
    }
}

impl From<NotificationTarget> for pb::NotificationTarget {
    fn from(target: NotificationTarget) -> Self {
        let target = match target {
            NotificationTarget::All => None,
            NotificationTarget::User(user) => Some(Target::UserId(user.0)),
            NotificationTarget::Group(group) => Some(Target::GroupId(group)),
        };
        Self { target }
    }
}

impl From<pb::NotificationMode> for NotificationMode {
    fn from(wire: pb::NotificationMode) -> Self {
        match wire {
            pb::NotificationMode::Unspecified => Self::Default,
            pb::NotificationMode::All => Self::All,
            pb::NotificationMode::Mentions => Self::Mentions,
            pb::NotificationMode::None => Self::Nothing,
        }
    }
}

impl From<NotificationMode> for pb::NotificationMode {
    fn from(mode: NotificationMode) -> Self {
        match mode {
            NotificationMode::Default => Self::Unspecified,
            NotificationMode::All => Self::All,
            NotificationMode::Mentions => Self::Mentions,
            NotificationMode::Nothing => Self::None,
        }
    }
}

/// What a request changes.
pub(crate) fn notification_change(wire: &pb::SetNotificationRequest) -> Result<NotificationChange, Error> {
    let mode = wire.mode.map(pb::NotificationMode::try_from).transpose();
    let mode = mode.map_err(|_| Error::invalid("mode", "is no mode of this version"))?;
    Ok(NotificationChange {
        mode: mode.map(Into::into),
        quiet_hours: wire.quiet_hours.clone(),
        quiet_for: span("quiet_for", wire.quiet_for)?,
        language: wire.language.clone(),
    })
}

/// A setting.
pub(crate) fn notification(target: NotificationTarget, setting: NotificationSetting) -> pb::NotificationSetting {
    pb::NotificationSetting {
        target: Some(target.into()),
        mode: pb::NotificationMode::from(setting.mode).into(),
        quiet_hours: setting.quiet_hours,
        quiet_until: setting.quiet_until.map(timestamp),
        language: setting.language,
        username: String::new(),
    }
}

/// One of a list, which has only modes.
pub(crate) fn listed_notification(listed: Listed) -> pb::NotificationSetting {
    let setting = NotificationSetting { mode: listed.mode, ..NotificationSetting::default() };
    pb::NotificationSetting { username: listed.username, ..notification(listed.target, setting) }
}
