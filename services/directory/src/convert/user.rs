//! Users, profiles and sessions on the wire.

use tidings_domain::{Error, UserRef};
use tidings_proto::{pb, required, span, timestamp};

use crate::{
    model::{NewSession, Profile, ProfileChange, Session, User, UserChange},
    secret::Secret,
};

/// The user of a request that carries one.
pub(crate) fn user_ref(wire: Option<pb::UserRef>) -> Result<UserRef, Error> {
    required("user", wire)?.try_into()
}

/// The user and the change.
pub(crate) fn user_change(wire: pb::UpdateUserRequest) -> Result<(UserRef, UserChange), Error> {
    let change = UserChange {
        nickname: wire.nickname,
        password: wire.password.map(Secret::new),
        old_password: wire.old_password.map(Secret::new),
        enabled: wire.enabled,
        push: wire.push.map(Into::into).unwrap_or_default(),
    };
    Ok((user_ref(wire.user)?, change))
}

/// The user and the change of their profile.
pub(crate) fn profile_change(wire: pb::SetProfileRequest) -> Result<(UserRef, ProfileChange), Error> {
    let profile = required("profile", wire.profile)?;
    let change = ProfileChange {
        nickname: profile.nickname,
        avatar: profile.avatar,
        description: profile.description,
        public_info: profile.public_info,
        private_info: profile.private_info,
        mobile: profile.mobile,
        email: profile.email,
    };
    Ok((user_ref(wire.user)?, change))
}

/// The profile of a user, with every field.
pub(crate) fn profile(user: User, profile: Profile) -> pb::Profile {
    pb::Profile {
        user_id: user.id.0,
        username: user.username.unwrap_or_default(),
        nickname: Some(user.nickname),
        avatar: Some(profile.avatar),
        description: Some(profile.description),
        public_info: Some(profile.public_info),
        private_info: Some(profile.private_info),
        mobile: Some(profile.mobile),
        email: Some(profile.email),
    }
}

/// The user and the device that comes online.
pub(crate) fn new_session(wire: pb::OpenSessionRequest) -> Result<(UserRef, NewSession), Error> {
    let ttl = required("ttl", span("ttl", wire.ttl)?)?;
    let device_sn = device_sn(wire.device_sn)?;
    let new = NewSession { device_sn, platform: wire.platform, ttl };
    Ok((user_ref(wire.user)?, new))
}

/// `None` for 0.
pub(crate) fn device_sn(wire: i32) -> Result<Option<i64>, Error> {
    if wire < 0 {
        return Err(Error::invalid("device_sn", "must not be negative"));
    }
    Ok(Some(wire.into()).filter(|device_sn| *device_sn != 0))
}

impl From<Session> for pb::Session {
    fn from(session: Session) -> Self {
        Self {
            device_sn: session.device_sn as i32,
            platform: session.platform,
            opened_at: Some(timestamp(session.opened_at)),
            expires_at: session.expires_at.map(timestamp),
            resource: session.resource,
        }
    }
}
