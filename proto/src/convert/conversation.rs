//! Conversations and marks.

use tidings_domain::{ConversationId, Error, GroupId, Marks, MsgId, RoomId, UserId};

use super::id;
use crate::pb;

impl From<ConversationId> for pb::ConversationId {
    fn from(conversation: ConversationId) -> Self {
        let (kind, id, higher_user_id) = match conversation {
            ConversationId::Direct(low, high) => (pb::ConversationKind::Direct, low.0, high.0),
            ConversationId::Group(group) => (pb::ConversationKind::Group, group.0, 0),
            ConversationId::Room(room) => (pb::ConversationKind::Room, room.0, 0),
        };
        Self { kind: kind.into(), id, higher_user_id }
    }
}

impl TryFrom<pb::ConversationId> for ConversationId {
    type Error = Error;

    fn try_from(wire: pb::ConversationId) -> Result<Self, Error> {
        let own = id("conversation.id", wire.id)?;
        let higher = id("conversation.higher_user_id", wire.higher_user_id)?;
        match wire.kind() {
            pb::ConversationKind::Direct => Ok(Self::direct(UserId(own), UserId(higher))),
            pb::ConversationKind::Group => Ok(Self::Group(GroupId(own))),
            pb::ConversationKind::Room => Ok(Self::Room(RoomId(own))),
            pb::ConversationKind::Unspecified => Err(Error::invalid("conversation.kind", "is required")),
        }
    }
}

impl From<Marks> for pb::Marks {
    fn from(marks: Marks) -> Self {
        Self { read_msg_id: marks.read.0, delivered_msg_id: marks.delivered.0, cleared_msg_id: marks.cleared.0 }
    }
}

impl From<pb::Marks> for Marks {
    fn from(wire: pb::Marks) -> Self {
        Self {
            read: MsgId(wire.read_msg_id),
            delivered: MsgId(wire.delivered_msg_id),
            cleared: MsgId(wire.cleared_msg_id),
        }
    }
}
