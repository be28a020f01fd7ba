//! The answer of an edit, as stored under its idempotency key: a repeated call gets the first answer, whatever
//! happened to the message since.

use serde::{Deserialize, Serialize};
use tidings_domain::{ConversationId, Error, Message, MsgId, UnixMillis, UserId};

use crate::{
    content::StoredContent,
    row_options::{self, Flags},
};

#[derive(Serialize, Deserialize)]
struct Stored {
    conversation: (i64, i64),
    msg_id: i64,
    seq: i64,
    sender: i64,
    sent_at: i64,
    /// See [`StoredContent::to_json`].
    content: String,
    countable: bool,
    edited_at: Option<i64>,
    edits: i32,
    /// See [`crate::row_options`].
    delivery: Option<String>,
    imported: bool,
}

/// For a key.
pub fn write(message: &Message) -> Result<String, Error> {
    let stored = Stored {
        conversation: message.conversation.key(),
        msg_id: message.msg_id.0,
        seq: message.seq,
        sender: message.sender.0,
        sent_at: message.sent_at.0,
        content: StoredContent::write(&message.content)?.to_json(Flags { system: message.system, ..Flags::default() }),
        countable: message.countable,
        edited_at: message.edited_at.map(|at| at.0),
        edits: message.edits,
        delivery: row_options::write(&message.audience, message.delivery)?,
        imported: message.imported,
    };
    serde_json::to_string(&stored).map_err(Error::internal)
}

/// From a key; `None` if it was written before answers were stored.
pub fn read(reply: &str) -> Result<Option<Message>, Error> {
    if reply.is_empty() {
        return Ok(None);
    }
    let stored: Stored = serde_json::from_str(reply).map_err(Error::internal)?;
    let (content, flags) = StoredContent::of_json(&stored.content)?;
    let (audience, delivery) = row_options::read(stored.delivery.as_deref())?;
    let (a, b) = stored.conversation;
    Ok(Some(Message {
        conversation: ConversationId::from_key(a, b),
        msg_id: MsgId(stored.msg_id),
        seq: stored.seq,
        sender: UserId(stored.sender),
        sent_at: UnixMillis(stored.sent_at),
        content: content.read()?,
        countable: stored.countable,
        system: flags.system,
        edited_at: stored.edited_at.map(UnixMillis),
        edits: stored.edits,
        audience,
        delivery,
        imported: stored.imported,
    }))
}
