//! Groups and chat rooms, as far as messages depend on them.

use crate::{ConversationId, Error, GroupId, MsgId, Reason, RoomId, UnixMillis, UserId};

/// A group or a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupKind {
    /// A group.
    Group,
    /// A chat room.
    Room,
}

impl GroupKind {
    /// The code in columns and in the low four bits of generated ids.
    pub const fn code(self) -> i64 {
        match self {
            Self::Group => 1,
            Self::Room => 2,
        }
    }

    /// The inverse of [`Self::code`].
    pub const fn from_code(code: i64) -> Option<Self> {
        match code {
            1 => Some(Self::Group),
            2 => Some(Self::Room),
            _ => None,
        }
    }

    /// The id for the `n`th number, from the same counter as users, so that no id is used twice.
    pub const fn generated(self, n: i64) -> i64 {
        (n << 4) | self.code()
    }
}

/// A member's role in a group. Ordered by rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupRole {
    /// A plain member.
    Member,
    /// An admin.
    Admin,
    /// The owner, of whom there is one.
    Owner,
}

impl GroupRole {
    /// The code in columns.
    pub const fn code(self) -> i64 {
        match self {
            Self::Member => 1,
            Self::Admin => 2,
            Self::Owner => 3,
        }
    }

    /// The inverse of [`Self::code`]; `None`: not a member.
    pub const fn from_code(code: i64) -> Option<Self> {
        match code {
            1 => Some(Self::Member),
            2 => Some(Self::Admin),
            3 => Some(Self::Owner),
            _ => None,
        }
    }
}

/// Until when a user is muted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mute {
    /// Not muted.
    #[default]
    No,
    /// Until that time.
    Until(UnixMillis),
    /// Until it is lifted.
    Forever,
}

impl Mute {
    /// The value in columns and on the wire: 0 is not muted, -1 forever.
    pub const fn from_millis(millis: i64) -> Self {
        match millis {
            0 => Self::No,
            ..0 => Self::Forever,
            until => Self::Until(UnixMillis(until)),
        }
    }

    /// The inverse of [`Self::from_millis`].
    pub const fn millis(self) -> i64 {
        match self {
            Self::No => 0,
            Self::Until(until) => until.0,
            Self::Forever => -1,
        }
    }

    /// Whether it is in force at that time.
    pub fn holds(self, now: UnixMillis) -> bool {
        match self {
            Self::No => false,
            Self::Until(until) => now < until,
            Self::Forever => true,
        }
    }

    /// The same; none when it has expired.
    #[must_use]
    pub fn at(self, now: UnixMillis) -> Self {
        if self.holds(now) { self } else { Self::No }
    }

    /// The longer of the two.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Forever, _) | (_, Self::Forever) => Self::Forever,
            (Self::No, mute) | (mute, Self::No) => mute,
            (Self::Until(one), Self::Until(two)) => Self::Until(one.max(two)),
        }
    }
}

/// What one user may do in one group or room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// The id of the group or room.
    pub group: i64,
    /// Its kind.
    pub kind: GroupKind,
    /// `None`: not a member.
    pub role: Option<GroupRole>,
    /// When the user joined; 0 when not a member.
    pub joined_at: UnixMillis,
    /// A mute of the user or of all.
    pub muted: Mute,
    /// Only of all: the user themselves is not muted.
    pub muted_with_all: bool,
    /// Whether members see messages from before they joined.
    pub history_visible: bool,
    /// Whether senders are notified of readers.
    pub read_ack: bool,
    /// The owner.
    pub owner: UserId,
    /// False: it accepts no messages.
    pub enabled: bool,
}

impl Membership {
    /// The conversation of the group or room.
    pub const fn conversation(&self) -> ConversationId {
        match self.kind {
            GroupKind::Group => ConversationId::Group(GroupId(self.group)),
            GroupKind::Room => ConversationId::Room(RoomId(self.group)),
        }
    }

    /// An error for `user`, whose membership this is, unless they are a member.
    pub fn check_member(&self, user: UserId) -> Result<GroupRole, Error> {
        self.role.ok_or_else(|| Error::new(Reason::NotGroupMember, user.to_string()))
    }

    /// Whether the user is an admin or the owner.
    pub fn is_admin(&self) -> bool {
        self.role >= Some(GroupRole::Admin)
    }

    /// Messages up to here are hidden from the user.
    pub fn floor(&self) -> MsgId {
        if self.history_visible { MsgId::ZERO } else { self.joined_floor() }
    }

    /// Messages up to here are older than the user's membership, and never count as unread.
    pub fn joined_floor(&self) -> MsgId {
        MsgId::before(self.joined_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Mute = Mute::Until(UnixMillis(1_000));
    const LATE: Mute = Mute::Until(UnixMillis(2_000));

    #[test]
    fn the_stricter_of_two_mutes_holds_longer_whichever_comes_first() {
        let rising = [Mute::No, SOON, LATE, Mute::Forever];
        for (at, mute) in rising.into_iter().enumerate() {
            for weaker in &rising[..=at] {
                assert_eq!(mute.stricter(*weaker), mute);
                assert_eq!(weaker.stricter(mute), mute);
            }
        }
    }

    #[test]
    fn a_mute_whose_time_is_over_is_none() {
        assert_eq!(SOON.at(UnixMillis(999)), SOON);
        assert_eq!(SOON.at(UnixMillis(1_000)), Mute::No);
        assert_eq!(Mute::Forever.at(UnixMillis(i64::MAX)), Mute::Forever);
    }

    #[test]
    fn codes_of_kinds_and_roles_lead_back() {
        for kind in [GroupKind::Group, GroupKind::Room] {
            assert_eq!(GroupKind::from_code(kind.code()), Some(kind));
        }
        for role in [GroupRole::Member, GroupRole::Admin, GroupRole::Owner] {
            assert_eq!(GroupRole::from_code(role.code()), Some(role));
        }
        assert_eq!((GroupKind::from_code(0), GroupRole::from_code(0)), (None, None));
    }

    #[test]
    fn no_id_is_a_user_a_group_and_a_room() {
        let ids = [UserId::generated(7).0, GroupKind::Group.generated(7), GroupKind::Room.generated(7)];
        assert_eq!(ids, [112, 113, 114]);
    }
}
