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

/// The target of a message.
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
    /// Whether the sender's own devices receive it too.
    pub sync_device: bool,
    /// Whether readers in a group are requested to send receipts.
    pub need_ack: bool,
    /// Its priority under load.
    pub priority: Priority,
}

/// Which messages of a room are dropped first under load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Priority {
    /// Dropped last.
    High,
    /// As unspecified.
    #[default]
    Normal,
    /// Dropped first.
    Low,
}

/// A call to send one content to one or many targets.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The sender; `None` is the caller.
    pub sender: Option<UserRef>,
    /// 1 to 600.
    pub targets: Vec<Target>,
    /// The content.
    pub content: Content,
    /// A system notification rather than sent by a user.
    pub system: bool,
    /// Only for those who are online; not stored.
    pub online_only: bool,
    /// Whether the sender must be a member of the target groups and rooms, and not muted there.
    pub members_only: bool,
    /// Whether unregistered names become unregistered users (decision 9).
    pub accept_unknown_names: bool,
    /// The receivers among the members of the group or room; empty is everybody (agora.md 2.6).
    pub audience: Vec<UserRef>,
    /// Users whose history does not contain the messages (agora.md 2.1).
    pub hidden_from: Vec<UserRef>,
    /// Delivery options.
    pub delivery: Delivery,
    /// The name of the public call, for the scope of keys (decision 2).
    pub call: String,
    /// `Idempotency-Key` (decision 2).
    pub idempotency_key: Option<String>,
    /// Lanying's `transaction_id` (decision 23).
    pub transaction_id: Option<i64>,
}

impl Draft {
    /// The defaults of most drafts: sent by the caller, for everybody in the conversation, stored, and without a key.
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
    /// Its conversation.
    pub conversation: ConversationId,
    /// Its id.
    pub msg_id: MsgId,
    /// Its number in the conversation, from 1, gap-free.
    pub seq: i64,
    /// The target's name in the request; empty when given by id.
    pub username: String,
}

/// A message as stored in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its conversation.
    pub conversation: ConversationId,
    /// Its id.
    pub msg_id: MsgId,
    /// Its number in the conversation, from 1, gap-free.
    pub seq: i64,
    /// The sender.
    pub sender: UserId,
    /// When it was committed; of an import, the time that it gave.
    pub sent_at: UnixMillis,
    /// The content.
    pub content: Content,
    /// Whether it counts as unread.
    pub countable: bool,
    /// Whether it is a system notification.
    pub system: bool,
    /// When it was last edited.
    pub edited_at: Option<UnixMillis>,
    /// How often it was edited.
    pub edits: i32,
    /// The receivers among the members of the group or room; empty is everybody.
    pub audience: Vec<UserId>,
    /// Delivery options.
    pub delivery: Delivery,
    /// Whether it was imported from another system.
    pub imported: bool,
}

impl Message {
    /// A message without a number, not counted as unread, for everybody in the conversation, never edited.
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

    /// Whether its sender may replace its content with this (agora.md 8.3): a text with a text, a custom message with a
    /// custom one, and nothing in a room.
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
