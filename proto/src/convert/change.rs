//! Changes in the event feed.

use tidings_domain::{Change, Error, GroupChanged, Joining, Leaving, Mute, SessionEnd, UserId, UserMutes};

use super::{moment_if_set, mute_end, mute_from_wire, mute_to_wire, required, timestamp_unless_zero};
use crate::pb::{self, change as wire, change::Change as Wire};

impl From<Change> for pb::Change {
    fn from(change: Change) -> Self {
        let group = change.group();
        let change = match change {
            Change::UserRegistered { user } => Wire::UserRegistered(wire::UserRegistered { user_id: user.0 }),
            Change::UserChanged { user, fields } => Wire::UserChanged(wire::UserChanged { user_id: user.0, fields }),
            Change::UserDeleted { user } => Wire::UserDeleted(wire::UserDeleted { user_id: user.0 }),
            Change::UserEnabled { user, enabled } => Wire::UserEnabled(wire::UserEnabled { user_id: user.0, enabled }),
            Change::UserMuted { user, until_ms } => {
                let mutes = UserMutes::from_millis(until_ms);
                Wire::UserMuted(wire::UserMuted {
                    user_id: user.0,
                    direct_until: mute_to_wire(mutes.direct),
                    group_until: mute_to_wire(mutes.group),
                    room_until: mute_to_wire(mutes.room),
                })
            }
            Change::UserOnline { user, resource, platform } => {
                Wire::UserOnline(wire::UserOnline { user_id: user.0, resource, platform })
            }
            Change::UserOffline { user, resource, platform, how } => {
                let how = wire::SessionEnd::from(how).into();
                Wire::UserOffline(wire::UserOffline { user_id: user.0, resource, platform, how })
            }
            Change::UserDisconnected { user, device_sn, resource, sessions, replaced } => {
                let connection = |(gateway_id, session_id)| wire::Connection { gateway_id, session_id };
                let connections = sessions.into_iter().map(connection).collect();
                let user_id = user.0;
                Wire::UserDisconnected(wire::UserDisconnected { user_id, device_sn, resource, connections, replaced })
            }
            Change::PresenceChanged { user, statuses, ext, last_time_ms, subscribers } => {
                let statuses = statuses.into_iter().map(|(resource, status)| wire::DeviceStatus { resource, status });
                Wire::PresenceChanged(wire::PresenceChanged {
                    user_id: user.0,
                    statuses: statuses.collect(),
                    ext,
                    last_time: timestamp_unless_zero(last_time_ms),
                    subscriber_ids: ids(subscribers),
                })
            }
            Change::ContactRequested { user, from, text } => {
                Wire::ContactRequested(wire::ContactRequested { user_id: user.0, from_id: from.0, text })
            }
            Change::ContactDeclined { user, from } => {
                Wire::ContactDeclined(wire::ContactDeclined { user_id: user.0, from_id: from.0 })
            }
            Change::ContactAdded { user, contact, accepted } => {
                Wire::ContactAdded(wire::ContactAdded { user_id: user.0, contact_id: contact.0, accepted })
            }
            Change::ContactRemoved { user, contact } => {
                Wire::ContactRemoved(wire::ContactRemoved { user_id: user.0, contact_id: contact.0 })
            }
            Change::UserBlocked { user, blocked, is_blocked } => {
                Wire::UserBlocked(wire::UserBlocked { user_id: user.0, blocked_id: blocked.0, blocked: is_blocked })
            }
            Change::GroupCreated { owner, name, members, .. } => {
                Wire::GroupCreated(wire::GroupCreated { owner_id: owner.0, name, member_ids: ids(members) })
            }
            Change::GroupDestroyed { owner, name, members, .. } => {
                Wire::GroupDestroyed(wire::GroupDestroyed { owner_id: owner.0, name, member_ids: ids(members) })
            }
            Change::GroupUpdated { fields, name, description, avatar, custom, mute_all_until_ms, enabled, .. } => {
                Wire::GroupUpdated(wire::GroupUpdated {
                    fields,
                    name,
                    description,
                    avatar,
                    custom,
                    // Absent, it would not have changed.
                    mute_all_until: mute_all_until_ms.map(|millis| mute_end(Mute::from_millis(millis))),
                    enabled,
                })
            }
            Change::OwnerChanged { from, to, .. } => {
                Wire::OwnerChanged(wire::OwnerChanged { from_id: from.0, to_id: to.0 })
            }
            Change::MembersJoined { users, how, .. } => {
                Wire::MembersJoined(wire::MembersJoined { user_ids: ids(users), how: wire::Joining::from(how).into() })
            }
            Change::MembersLeft { users, how, .. } => {
                Wire::MembersLeft(wire::MembersLeft { user_ids: ids(users), how: wire::Leaving::from(how).into() })
            }
            Change::AdminsChanged { users, admin, .. } => {
                Wire::AdminsChanged(wire::AdminsChanged { user_ids: ids(users), admin })
            }
            Change::MembersMuted { users, until_ms, .. } => {
                let until = mute_to_wire(Mute::from_millis(until_ms));
                Wire::MembersMuted(wire::MembersMuted { user_ids: ids(users), until })
            }
            Change::MembersBlocked { users, is_blocked, .. } => {
                Wire::MembersBlocked(wire::MembersBlocked { user_ids: ids(users), blocked: is_blocked })
            }
            Change::MembersAllowed { users, is_allowed, .. } => {
                Wire::MembersAllowed(wire::MembersAllowed { user_ids: ids(users), allowed: is_allowed })
            }
            Change::Announced { text, .. } => Wire::Announced(wire::Announced { text }),
            Change::FileShared { uuid, name, owner, is_shared, .. } => {
                Wire::FileShared(wire::FileShared { uuid, name, owner_id: owner.0, shared: is_shared })
            }
            Change::MemberChanged { user, names, .. } => {
                Wire::MemberChanged(wire::MemberChanged { user_id: user.0, names })
            }
            Change::AttributesChanged { names, is_set, .. } => {
                Wire::AttributesChanged(wire::AttributesChanged { names, set: is_set })
            }
            Change::Applied { user, text, .. } => Wire::Applied(wire::Applied { user_id: user.0, text }),
            Change::ApplicationRejected { user, .. } => {
                Wire::ApplicationRejected(wire::ApplicationRejected { user_id: user.0 })
            }
            Change::Invited { users, .. } => Wire::Invited(wire::Invited { user_ids: ids(users) }),
            Change::InvitationDeclined { user, .. } => {
                Wire::InvitationDeclined(wire::InvitationDeclined { user_id: user.0 })
            }
        };
        Self {
            group_id: group.map_or(0, |group| group.id),
            group_kind: group.map_or(pb::GroupKind::Unspecified, |group| group.kind().into()).into(),
            parent_group_id: group.map_or(0, |group| group.parent),
            hidden: group.is_some_and(|group| group.is_hidden),
            change: Some(change),
        }
    }
}

impl TryFrom<pb::Change> for Change {
    type Error = Error;

    fn try_from(change: pb::Change) -> Result<Self, Error> {
        let (parent, is_hidden) = (change.parent_group_id, change.hidden);
        let group =
            GroupChanged { parent, is_hidden, ..GroupChanged::new(change.group_id, change.group_kind().into()) };
        Ok(match required("change", change.change)? {
            Wire::UserRegistered(it) => Self::UserRegistered { user: UserId(it.user_id) },
            Wire::UserChanged(it) => Self::UserChanged { user: UserId(it.user_id), fields: it.fields },
            Wire::UserDeleted(it) => Self::UserDeleted { user: UserId(it.user_id) },
            Wire::UserEnabled(it) => Self::UserEnabled { user: UserId(it.user_id), enabled: it.enabled },
            Wire::UserMuted(it) => Self::UserMuted {
                user: UserId(it.user_id),
                until_ms: [
                    mute_from_wire("direct_until", it.direct_until)?.millis(),
                    mute_from_wire("group_until", it.group_until)?.millis(),
                    mute_from_wire("room_until", it.room_until)?.millis(),
                ],
            },
            Wire::UserOnline(it) => {
                Self::UserOnline { user: UserId(it.user_id), resource: it.resource, platform: it.platform }
            }
            Wire::UserOffline(it) => {
                let how = it.how().try_into()?;
                Self::UserOffline { user: UserId(it.user_id), resource: it.resource, platform: it.platform, how }
            }
            Wire::UserDisconnected(it) => {
                let sessions = it.connections.iter().map(|one| (one.gateway_id, one.session_id)).collect();
                let (user, device_sn) = (UserId(it.user_id), it.device_sn);
                Self::UserDisconnected { user, device_sn, resource: it.resource, sessions, replaced: it.replaced }
            }
            Wire::PresenceChanged(it) => Self::PresenceChanged {
                user: UserId(it.user_id),
                statuses: it.statuses.into_iter().map(|one| (one.resource, one.status)).collect(),
                ext: it.ext,
                last_time_ms: moment_if_set("last_time", it.last_time)?.map_or(0, |at| at.0),
                subscribers: users(it.subscriber_ids),
            },
            Wire::ContactRequested(it) => {
                Self::ContactRequested { user: UserId(it.user_id), from: UserId(it.from_id), text: it.text }
            }
            Wire::ContactDeclined(it) => Self::ContactDeclined { user: UserId(it.user_id), from: UserId(it.from_id) },
            Wire::ContactAdded(it) => {
                Self::ContactAdded { user: UserId(it.user_id), contact: UserId(it.contact_id), accepted: it.accepted }
            }
            Wire::ContactRemoved(it) => {
                Self::ContactRemoved { user: UserId(it.user_id), contact: UserId(it.contact_id) }
            }
            Wire::UserBlocked(it) => {
                Self::UserBlocked { user: UserId(it.user_id), blocked: UserId(it.blocked_id), is_blocked: it.blocked }
            }
            Wire::GroupCreated(it) => {
                let (owner, members) = (UserId(it.owner_id), users(it.member_ids));
                Self::GroupCreated { group, owner, name: it.name, members }
            }
            Wire::GroupDestroyed(it) => {
                let (owner, members) = (UserId(it.owner_id), users(it.member_ids));
                Self::GroupDestroyed { group, owner, name: it.name, members }
            }
            Wire::GroupUpdated(it) => Self::GroupUpdated {
                group,
                fields: it.fields,
                name: it.name,
                description: it.description,
                avatar: it.avatar,
                custom: it.custom,
                mute_all_until_ms: match it.mute_all_until {
                    Some(until) => Some(mute_from_wire("mute_all_until", Some(until))?.millis()),
                    None => None,
                },
                enabled: it.enabled,
            },
            Wire::OwnerChanged(it) => Self::OwnerChanged { group, from: UserId(it.from_id), to: UserId(it.to_id) },
            Wire::MembersJoined(it) => {
                let how = joining(it.how())?;
                Self::MembersJoined { group, users: users(it.user_ids), how }
            }
            Wire::MembersLeft(it) => {
                let how = leaving(it.how())?;
                Self::MembersLeft { group, users: users(it.user_ids), how }
            }
            Wire::AdminsChanged(it) => Self::AdminsChanged { group, users: users(it.user_ids), admin: it.admin },
            Wire::MembersMuted(it) => {
                let until_ms = mute_from_wire("until", it.until)?.millis();
                Self::MembersMuted { group, users: users(it.user_ids), until_ms }
            }
            Wire::MembersBlocked(it) => {
                Self::MembersBlocked { group, users: users(it.user_ids), is_blocked: it.blocked }
            }
            Wire::MembersAllowed(it) => {
                Self::MembersAllowed { group, users: users(it.user_ids), is_allowed: it.allowed }
            }
            Wire::Announced(it) => Self::Announced { group, text: it.text },
            Wire::FileShared(it) => {
                let owner = UserId(it.owner_id);
                Self::FileShared { group, uuid: it.uuid, name: it.name, owner, is_shared: it.shared }
            }
            Wire::MemberChanged(it) => Self::MemberChanged { group, user: UserId(it.user_id), names: it.names },
            Wire::AttributesChanged(it) => Self::AttributesChanged { group, names: it.names, is_set: it.set },
            Wire::Applied(it) => Self::Applied { group, user: UserId(it.user_id), text: it.text },
            Wire::ApplicationRejected(it) => Self::ApplicationRejected { group, user: UserId(it.user_id) },
            Wire::Invited(it) => Self::Invited { group, users: users(it.user_ids) },
            Wire::InvitationDeclined(it) => Self::InvitationDeclined { group, user: UserId(it.user_id) },
        })
    }
}

fn ids(users: Vec<UserId>) -> Vec<i64> {
    users.into_iter().map(|user| user.0).collect()
}

fn users(ids: Vec<i64>) -> Vec<UserId> {
    ids.into_iter().map(UserId).collect()
}

impl From<SessionEnd> for wire::SessionEnd {
    fn from(how: SessionEnd) -> Self {
        match how {
            SessionEnd::LoggedOut => Self::LoggedOut,
            SessionEnd::Closed => Self::Closed,
            SessionEnd::TimedOut => Self::TimedOut,
            SessionEnd::Kicked => Self::Kicked,
            SessionEnd::Replaced => Self::Replaced,
        }
    }
}

impl TryFrom<wire::SessionEnd> for SessionEnd {
    type Error = Error;

    fn try_from(how: wire::SessionEnd) -> Result<Self, Error> {
        Ok(match how {
            wire::SessionEnd::LoggedOut => Self::LoggedOut,
            wire::SessionEnd::Closed => Self::Closed,
            wire::SessionEnd::TimedOut => Self::TimedOut,
            wire::SessionEnd::Kicked => Self::Kicked,
            wire::SessionEnd::Replaced => Self::Replaced,
            wire::SessionEnd::Unspecified => return Err(Error::invalid("how", "is required")),
        })
    }
}

impl From<Joining> for wire::Joining {
    fn from(how: Joining) -> Self {
        match how {
            Joining::Added => Self::Added,
            Joining::Joined => Self::Joined,
            Joining::Accepted => Self::Accepted,
            Joining::Invited => Self::Invited,
        }
    }
}

fn joining(how: wire::Joining) -> Result<Joining, Error> {
    Ok(match how {
        wire::Joining::Added => Joining::Added,
        wire::Joining::Joined => Joining::Joined,
        wire::Joining::Accepted => Joining::Accepted,
        wire::Joining::Invited => Joining::Invited,
        wire::Joining::Unspecified => return Err(Error::invalid("how", "is required")),
    })
}

impl From<Leaving> for wire::Leaving {
    fn from(how: Leaving) -> Self {
        match how {
            Leaving::Left => Self::Left,
            Leaving::Removed => Self::Removed,
            Leaving::Blocked => Self::Blocked,
            Leaving::Deleted => Self::Deleted,
        }
    }
}

fn leaving(how: wire::Leaving) -> Result<Leaving, Error> {
    Ok(match how {
        wire::Leaving::Left => Leaving::Left,
        wire::Leaving::Removed => Leaving::Removed,
        wire::Leaving::Blocked => Leaving::Blocked,
        wire::Leaving::Deleted => Leaving::Deleted,
        wire::Leaving::Unspecified => return Err(Error::invalid("how", "is required")),
    })
}
