//! Conversations and each user's cursors in them.

use crate::{Error, GroupId, MsgId, RoomId, UserId};

/// Names a conversation inside an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConversationId {
    /// Two users, the lower id first; the same id twice when users write to themselves.
    Direct(UserId, UserId),
    /// A group.
    Group(GroupId),
    /// A chat room.
    Room(RoomId),
}

/// The kind of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConversationKind {
    /// Two users.
    Direct,
    /// A group.
    Group,
    /// A chat room.
    Room,
}

/// The second half of a group's key, where a direct conversation has an id of 0 or more.
const GROUP: i64 = -1;
/// The same for rooms.
const ROOM: i64 = -2;

impl ConversationId {
    /// The conversation of two users, in either order.
    pub fn direct(one: UserId, other: UserId) -> Self {
        Self::Direct(one.min(other), one.max(other))
    }

    /// Its kind.
    pub const fn kind(self) -> ConversationKind {
        match self {
            Self::Direct(..) => ConversationKind::Direct,
            Self::Group(_) => ConversationKind::Group,
            Self::Room(_) => ConversationKind::Room,
        }
    }

    /// The two numbers that identify it in every table (columns `conv_a`, `conv_b`).
    pub const fn key(self) -> (i64, i64) {
        match self {
            Self::Direct(low, high) => (low.0, high.0),
            Self::Group(group) => (group.0, GROUP),
            Self::Room(room) => (room.0, ROOM),
        }
    }

    /// The inverse of [`Self::key`]. Total, since keys come from our own tables.
    pub const fn from_key(a: i64, b: i64) -> Self {
        match b {
            GROUP => Self::Group(GroupId(a)),
            ROOM => Self::Room(RoomId(a)),
            high => Self::Direct(UserId(a), UserId(high)),
        }
    }

    /// The other user of a direct conversation, seen by `user`.
    pub fn peer_of(self, user: UserId) -> Option<UserId> {
        match self {
            Self::Direct(low, high) if low == user => Some(high),
            Self::Direct(low, high) if high == user => Some(low),
            _ => None,
        }
    }

    /// Refuses a user who is not one of the two of a direct conversation.
    pub fn check_party(self, user: UserId) -> Result<(), Error> {
        match self {
            Self::Direct(..) if self.peer_of(user).is_none() => Err(Error::not_permitted("not your conversation")),
            _ => Ok(()),
        }
    }
}

/// A user's cursors in one conversation; they never move back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// Read up to here.
    pub read: MsgId,
    /// Delivered to a device up to here.
    pub delivered: MsgId,
    /// Hidden up to here by a deletion.
    pub cleared: MsgId,
}

impl Default for Marks {
    fn default() -> Self {
        Self { read: MsgId::ZERO, delivered: MsgId::ZERO, cleared: MsgId::ZERO }
    }
}

/// How far a message was delivered (lanying.md 7, decision 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Neither delivered nor read.
    Unread,
    /// On a device of the receiver.
    Delivered,
    /// Read by the receiver.
    Read,
}

impl Marks {
    /// The status of a message whose receiver has these cursors.
    pub fn status_of(&self, message: MsgId) -> Status {
        if message <= self.read {
            Status::Read
        } else if message <= self.delivered {
            Status::Delivered
        } else {
            Status::Unread
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lead_back_to_the_conversation() {
        let all = [
            ConversationId::direct(UserId(32), UserId(0)),
            ConversationId::direct(UserId(32), UserId(32)),
            ConversationId::Group(GroupId(17)),
            ConversationId::Room(RoomId(18)),
        ];
        for conversation in all {
            let (a, b) = conversation.key();
            assert_eq!(ConversationId::from_key(a, b), conversation);
        }
    }
}
