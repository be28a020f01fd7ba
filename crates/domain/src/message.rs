//! Messages, before and after they are in the log.

use crate::{Body, Content, ConversationId, GroupId, MsgId, RoomId, UnixMillis, UserId, Username};

/// Names a user by id or by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum UserRef {
    /// By id; 0 is the app itself.
    Id(UserId),
    /// By name; `admin` is the app itself.
    Name(Username),
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// To one user.
    User(UserRef),
    /// To everybody in a group, as one message.
    Group(GroupId),
    /// To everybody in a chat room, as one message.
    Room(RoomId),
}

/// How a message is delivered to devices (agora.md 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delivery {
    /// Whether the sender's own devices get it too.
    pub sync_device: bool,
    /// Whether readers in a group are asked for receipts.
    pub need_ack: bool,
    /// What is left out first under load.
    pub priority: Priority,
}

/// What of a room is left out first under load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Priority {
    /// Left out last.
    High,
    /// As without.
    #[default]
    Normal,
    /// Left out first.
    Low,
}

/// A call to send one content to one or many targets.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Who sends; `None` is the caller.
    pub sender: Option<UserRef>,
    /// 1 to 600.
    pub targets: Vec<Target>,
    /// What is said.
    pub content: Content,
    /// A system notification rather than something a user said.
    pub system: bool,
    /// For those who are online alone; not kept.
    pub online_only: bool,
    /// Whether the sender must be in the groups and rooms that it sends to, and be allowed to speak there.
    pub members_only: bool,
    /// Whether names that nobody registered become unregistered users (decision 9).
    pub accept_unknown_names: bool,
    /// Whom in the group or room the messages are for; empty is everybody (agora.md 2.6).
    pub audience: Vec<UserRef>,
    /// Who does not find the messages in his history (agora.md 2.1).
    pub hidden_from: Vec<UserRef>,
    /// How they are delivered.
    pub delivery: Delivery,
    /// The name of the public call, for the scope of keys (decision 2).
    pub call: String,
    /// `Idempotency-Key` (decision 2).
    pub idempotency_key: Option<String>,
    /// Lanying's `transaction_id` (decision 23).
    pub transaction_id: Option<i64>,
}

impl Draft {
    /// What most drafts are: said by the caller, for everybody there, kept, and without a key.
    pub fn new(call: impl Into<String>, targets: Vec<Target>, content: Content) -> Self {
        Self {
            sender: None,
            targets,
            content,
            system: false,
            online_only: false,
            members_only: false,
            accept_unknown_names: false,
            audience: Vec::new(),
            hidden_from: Vec::new(),
            delivery: Delivery::default(),
            call: call.into(),
            idempotency_key: None,
            transaction_id: None,
        }
    }
}

/// A message that was just committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The id of the receiving user, group or room.
    pub receiver: i64,
    /// Where it is.
    pub conversation: ConversationId,
    /// Its id.
    pub msg_id: MsgId,
    /// Its number in the conversation, from 1, gap-free.
    pub seq: i64,
    /// The name under which the target was given; empty when given by id.
    pub username: String,
}

/// A message as it stands in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Where it is.
    pub conversation: ConversationId,
    /// Its id.
    pub msg_id: MsgId,
    /// Its number in the conversation, from 1, gap-free.
    pub seq: i64,
    /// Who sent it.
    pub sender: UserId,
    /// When it was committed.
    pub sent_at: UnixMillis,
    /// What it says.
    pub content: Content,
    /// Whether it counts as unread.
    pub countable: bool,
    /// Whether it is a system notification.
    pub system: bool,
    /// When it was last edited.
    pub edited_at: Option<UnixMillis>,
    /// How often it was edited.
    pub edits: i32,
    /// Whom in the group or room it is for; empty is everybody.
    pub audience: Vec<UserId>,
    /// How it is delivered.
    pub delivery: Delivery,
    /// Whether it came from another system.
    pub imported: bool,
}

impl Message {
    /// One without a number that counts as nothing, for everybody there, as it was sent.
    pub fn plain(
        conversation: ConversationId,
        msg_id: MsgId,
        (sender, sent_at): (UserId, UnixMillis),
        content: Content,
    ) -> Self {
        Self {
            conversation,
            msg_id,
            seq: 0,
            sender,
            sent_at,
            content,
            countable: false,
            system: false,
            edited_at: None,
            edits: 0,
            audience: Vec::new(),
            delivery: Delivery::default(),
            imported: false,
        }
    }

    /// Whether its sender may replace what it says with this (agora.md 8.3): a text by a text, a custom message by a custom
    /// one, and nothing in a room.
    pub fn may_become(&self, content: &Content) -> bool {
        let is_same_kind = matches!(
            (&self.content.body, &content.body),
            (Body::Text(_), Body::Text(_)) | (Body::Custom(_), Body::Custom(_))
        );
        is_same_kind && !matches!(self.conversation, ConversationId::Room(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Command, Text};

    fn said(body: Body) -> Content {
        Content { body, ext: None, config: None, verbatim: None }
    }

    #[test]
    fn a_message_may_become_another_of_its_kind_but_not_in_a_room() {
        let text = said(Body::Text(Text { text: "one".into() }));
        let command = said(Body::Command(Command { action: "typing".into(), param: None }));
        let by_ann = (UserId(16), UnixMillis(0));
        let message = |conversation, content: &Content| Message::plain(conversation, MsgId(1), by_ann, content.clone());
        let (group, room) = (ConversationId::Group(GroupId(17)), ConversationId::Room(RoomId(18)));
        assert!(message(group, &text).may_become(&text));
        assert!(!message(room, &text).may_become(&text));
        assert!(!message(group, &text).may_become(&command));
        assert!(!message(group, &command).may_become(&command));
    }
}
