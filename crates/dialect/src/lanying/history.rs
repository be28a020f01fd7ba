//! Messages as history shows them (lanying.md 4, 5.2).

use tidings_domain::{ConversationId, Marks, Message, MsgId, Status, UserId};

use super::{content::fields_of, dto, envelope::answer};

/// A page of one direct conversation, as one of its users sees it.
#[derive(Debug)]
pub struct Page<'a> {
    /// Who reads.
    pub reader: UserId,
    /// Where the reader stands: decides the status of what the other wrote.
    pub own: Marks,
    /// Where the other stands: decides the status of what the reader wrote.
    pub peer: Marks,
    /// Newest first.
    pub messages: &'a [Message],
    /// The newest message not returned; zero on the last page.
    pub next: MsgId,
}

/// The answer of `GET /message/conversation`.
pub fn history(page: &Page<'_>) -> Vec<u8> {
    answer(dto::History {
        is_last: page.next == MsgId::ZERO,
        messages: page.messages.iter().map(|message| shown(page, message)).collect(),
        next_msg_id: page.next.0,
    })
}

fn shown<'a>(page: &Page<'_>, message: &'a Message) -> dto::Message<'a> {
    let receiver = receiver(message);
    // The receiver's cursor says (decision 5). A note to self is its own receiver.
    let marks = if receiver == page.reader.0 { page.own } else { page.peer };
    let fields = fields_of(&message.content);
    dto::Message {
        msg_id: message.msg_id.0,
        from_xid: dto::Xid { uid: message.sender.0, device_sn: 0 },
        to_xid: dto::Xid { uid: receiver, device_sn: 0 },
        ctype: fields.ctype,
        status: status(marks.status_of(message.msg_id)),
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

const fn status(status: Status) -> &'static str {
    match status {
        Status::Unread => "UNREAD",
        Status::Delivered => "DELIVERED",
        Status::Read => "READ",
    }
}
