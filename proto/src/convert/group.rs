//! Groups and rooms.

use tidings_domain::{Error, GroupKind, GroupRole, Membership, UnixMillis, UserId};

use super::{moment_if_set, mute_from_wire, mute_to_wire, timestamp_unless_zero};
use crate::pb;

impl From<pb::GroupKind> for GroupKind {
    fn from(wire: pb::GroupKind) -> Self {
        match wire {
            pb::GroupKind::Unspecified | pb::GroupKind::Group => Self::Group,
            pb::GroupKind::Room => Self::Room,
        }
    }
}

impl From<GroupKind> for pb::GroupKind {
    fn from(kind: GroupKind) -> Self {
        match kind {
            GroupKind::Group => Self::Group,
            GroupKind::Room => Self::Room,
        }
    }
}

impl From<Option<GroupRole>> for pb::GroupRole {
    fn from(role: Option<GroupRole>) -> Self {
        match role {
            None => Self::Unspecified,
            Some(GroupRole::Member) => Self::Member,
            Some(GroupRole::Admin) => Self::Admin,
            Some(GroupRole::Owner) => Self::Owner,
        }
    }
}

impl From<pb::GroupRole> for Option<GroupRole> {
    fn from(wire: pb::GroupRole) -> Self {
        match wire {
            pb::GroupRole::Unspecified => None,
            pb::GroupRole::Member => Some(GroupRole::Member),
            pb::GroupRole::Admin => Some(GroupRole::Admin),
            pb::GroupRole::Owner => Some(GroupRole::Owner),
        }
    }
}

impl From<Membership> for pb::Membership {
    fn from(membership: Membership) -> Self {
        Self {
            group_id: membership.group,
            kind: pb::GroupKind::from(membership.kind).into(),
            role: pb::GroupRole::from(membership.role).into(),
            joined_at: timestamp_unless_zero(membership.joined_at.0),
            muted_until: mute_to_wire(membership.muted),
            muted_with_all: membership.muted_with_all,
            history_visible: membership.history_visible,
            read_ack: membership.read_ack,
            owner_id: membership.owner.0,
            enabled: membership.enabled,
        }
    }
}

impl TryFrom<pb::Membership> for Membership {
    type Error = Error;

    fn try_from(wire: pb::Membership) -> Result<Self, Error> {
        Ok(Self {
            group: wire.group_id,
            kind: wire.kind().into(),
            role: wire.role().into(),
            joined_at: moment_if_set("joined_at", wire.joined_at)?.unwrap_or(UnixMillis(0)),
            muted: mute_from_wire("muted_until", wire.muted_until)?,
            muted_with_all: wire.muted_with_all,
            history_visible: wire.history_visible,
            read_ack: wire.read_ack,
            owner: UserId(wire.owner_id),
            enabled: wire.enabled,
        })
    }
}
