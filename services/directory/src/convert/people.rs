//! Push settings, mutes, attributes, status and presence on the wire.

use std::time::Duration;

use tidings_domain::{Error, UserId, UserMutes, UserRef};
use tidings_proto::{pb, timestamp};

use super::user::user_ref;
use crate::{
    model::people::{MuteChange, MuteSpan, Presence, PresenceSubscription, Published, PushSettings},
    store::user_attribute::Attributes,
};

impl From<pb::PushSettings> for PushSettings {
    fn from(wire: pb::PushSettings) -> Self {
        Self {
            display_style: wire.display_style.map(i64::from),
            no_disturbing: wire.no_disturbing,
            no_disturbing_start: wire.no_disturbing_start.map(i64::from),
            no_disturbing_end: wire.no_disturbing_end.map(i64::from),
            notifier_name: wire.notifier_name,
            device_token: wire.device_token,
        }
    }
}

impl From<PushSettings> for pb::PushSettings {
    fn from(push: PushSettings) -> Self {
        Self {
            display_style: push.display_style.map(|style| style as i32),
            no_disturbing: push.no_disturbing,
            no_disturbing_start: push.no_disturbing_start.map(|hour| hour as i32),
            no_disturbing_end: push.no_disturbing_end.map(|hour| hour as i32),
            notifier_name: push.notifier_name,
            device_token: push.device_token,
        }
    }
}

/// The users of a request, in its order.
pub(crate) fn user_refs(wire: Vec<pb::UserRef>) -> Result<Vec<UserRef>, Error> {
    wire.into_iter().map(TryInto::try_into).collect()
}

/// The user and the change of their mutes.
pub(crate) fn mute_change(wire: pb::SetUserMutesRequest) -> Result<(UserRef, MuteChange), Error> {
    let span =
        |field: &str, seconds: Option<i64>| seconds.map(|seconds| MuteSpan::from_seconds(field, seconds)).transpose();
    let change = MuteChange {
        direct: span("direct_seconds", wire.direct_seconds)?,
        group: span("group_seconds", wire.group_seconds)?,
        room: span("room_seconds", wire.room_seconds)?,
    };
    Ok((user_ref(wire.user)?, change))
}

/// The mutes of a user, who is named in lists.
pub(crate) fn user_mutes(user: UserId, username: String, mutes: UserMutes) -> pb::UserMutes {
    pb::UserMutes { user_id: user.0, username, ..mutes.into() }
}

/// The attributes of a user; none if there is no user.
pub(crate) fn user_attributes(found: Option<(UserId, Attributes)>) -> pb::UserAttributes {
    found.map_or_else(pb::UserAttributes::default, |(user, attributes)| pb::UserAttributes {
        user_id: user.0,
        attributes: attributes.into_iter().collect(),
    })
}

/// Whether a user is online; false if there is no user.
pub(crate) fn user_status(found: Option<(UserId, bool)>) -> pb::UserStatus {
    found.map_or_else(pb::UserStatus::default, |(user, online)| pb::UserStatus { user_id: user.0, online })
}

/// The user and what one of their devices says.
pub(crate) fn published(wire: pb::PublishPresenceRequest) -> Result<(UserRef, Published), Error> {
    let published = Published { resource: wire.resource, status: wire.status, ext: wire.ext };
    Ok((user_ref(wire.user)?, published))
}

/// How long a subscription lasts.
pub(crate) fn ttl(seconds: i64) -> Result<Duration, Error> {
    let seconds = u64::try_from(seconds).map_err(|_| Error::invalid("ttl_seconds", "must not be negative"))?;
    Ok(Duration::from_secs(seconds))
}

impl From<Presence> for pb::Presence {
    fn from(presence: Presence) -> Self {
        Self {
            user_id: presence.user.map_or(0, |user| user.0),
            last_time: presence.last_time.map(timestamp),
            expires_at: presence.expires_at.map(timestamp),
            ext: presence.ext,
            statuses: presence.statuses.into_iter().collect(),
        }
    }
}

impl From<PresenceSubscription> for pb::PresenceSubscription {
    fn from(subscription: PresenceSubscription) -> Self {
        Self {
            user_id: subscription.target.0,
            username: subscription.username,
            expires_at: Some(timestamp(subscription.expires_at)),
        }
    }
}
