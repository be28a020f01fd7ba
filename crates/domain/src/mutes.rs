//! Where a user is muted, regardless of their rights there.

use crate::{ConversationKind, Mute, UnixMillis};

/// The mutes of one user, by kind of conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UserMutes {
    /// In one-to-one conversations.
    pub direct: Mute,
    /// In groups.
    pub group: Mute,
    /// In rooms.
    pub room: Mute,
}

impl UserMutes {
    /// Nowhere muted.
    pub const NONE: Self = Self { direct: Mute::No, group: Mute::No, room: Mute::No };

    /// Whether the user is muted in conversations of that kind at that time.
    pub fn holds(&self, kind: ConversationKind, now: UnixMillis) -> bool {
        match kind {
            ConversationKind::Direct => self.direct.holds(now),
            ConversationKind::Group => self.group.holds(now),
            ConversationKind::Room => self.room.holds(now),
        }
    }

    /// As in columns, on the wire and in events: direct conversations, groups, rooms, each as [`Mute::millis`].
    pub const fn millis(&self) -> [i64; 3] {
        [self.direct.millis(), self.group.millis(), self.room.millis()]
    }

    /// The inverse of [`Self::millis`].
    pub const fn from_millis([direct, group, room]: [i64; 3]) -> Self {
        Self { direct: Mute::from_millis(direct), group: Mute::from_millis(group), room: Mute::from_millis(room) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mute_holds_in_conversations_of_its_kind_until_its_end() {
        let mutes = UserMutes::from_millis([0, 2_000, -1]);
        assert_eq!(mutes.millis(), [0, 2_000, -1]);
        let holds = |kind, now| mutes.holds(kind, UnixMillis(now));
        assert!(!holds(ConversationKind::Direct, 1_000));
        assert!(holds(ConversationKind::Group, 1_999));
        assert!(!holds(ConversationKind::Group, 2_000));
        assert!(holds(ConversationKind::Room, i64::MAX));
        assert_eq!(UserMutes::NONE, UserMutes::default());
    }
}
