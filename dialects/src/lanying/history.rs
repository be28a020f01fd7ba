//! Messages in histories (lanying.md 4, 5.2).

use tidings_domain::{ConversationId, LanyingShape, Marks, Message, MsgId, Status, UserId};

use super::{content::fields_of, dto, envelope::opposite, shape};

/// A page of one conversation, as seen by one user.
#[derive(Debug)]
pub struct Page<'a> {
    /// The reader.
    pub reader: UserId,
    /// The reader's cursors: they decide the status of the other's messages.
    pub own: Marks,
    /// The other's cursors: they decide the status of the reader's messages.
    pub peer: Marks,
    /// Newest first.
    pub messages: &'a [Message],
    /// The newest message not returned; zero on the last page.
    pub next: MsgId,
}

/// The answer of `GET /message/conversation`.
pub fn history(page: &Page<'_>, shape: LanyingShape) -> Vec<u8> {
    let history = dto::History {
        is_last: page.next == MsgId::ZERO,
        messages: page.messages.iter().map(|message| shown(page, message)).collect(),
        next_msg_id: page.next.0,
    };
    shape::history(history, shape)
}

/// The answer of `GET /message/unread`: the user's conversations, each with its unread count (lanying.md 5.7).
pub fn unread(
    user: UserId,
    conversations: impl IntoIterator<Item = (ConversationId, i64)>,
    shape: LanyingShape,
) -> Vec<u8> {
    let shown = |(conversation, num)| {
        let uid = opposite(conversation, user)?;
        Some(dto::Unread { conversation_id: dto::UnreadId { uid }, num })
    };
    shape::unread(conversations.into_iter().filter_map(shown).collect::<Vec<_>>(), shape)
}

/// The answer of `GET /user/conversation/pin_list`.
pub fn pinned(user: UserId, conversations: impl IntoIterator<Item = ConversationId>) -> Vec<u8> {
    let shown = conversations.into_iter().filter_map(|conversation| opposite(conversation, user));
    super::data(super::PinnedConversations { conversation_ids: shown.collect() })
}

fn shown<'a>(page: &Page<'_>, message: &'a Message) -> dto::Message<'a> {
    let receiver = receiver(message);
    let fields = fields_of(&message.content);
    dto::Message {
        msg_id: message.msg_id.0,
        from_xid: dto::Xid { uid: message.sender.0, device_sn: 0 },
        to_xid: dto::Xid { uid: receiver, device_sn: 0 },
        ctype: fields.ctype,
        status: status(page, message, receiver),
        timestamp: message.sent_at.0,
        content: fields.content,
        attachment: fields.attachment,
        config: fields.config,
        ext: fields.ext,
    }
}

fn receiver(message: &Message) -> i64 {
    match message.conversation {
        ConversationId::Direct(low, _) => message.conversation.peer_of(message.sender).unwrap_or(low).0,
        ConversationId::Group(group) => group.0,
        ConversationId::Room(room) => room.0,
    }
}

/// In a direct conversation the receiver's cursor decides, and in a note to self the sender is the receiver; in a group
/// the reader's own, who has read their own messages (decision 5).
fn status(page: &Page<'_>, message: &Message, receiver: i64) -> &'static str {
    let is_direct = matches!(message.conversation, ConversationId::Direct(..));
    if !is_direct && message.sender == page.reader {
        return "READ";
    }
    let marks = if !is_direct || receiver == page.reader.0 { page.own } else { page.peer };
    match marks.status_of(message.msg_id) {
        Status::Unread => "UNREAD",
        Status::Delivered => "DELIVERED",
        Status::Read => "READ",
    }
}
