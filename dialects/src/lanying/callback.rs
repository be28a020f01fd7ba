//! The bodies of callbacks to an app's server (lanying.md 8).
//!
//! Only the receivers' side is known. `timestamp` and, for recalls and edits, `relatedMid` are our additions: a request
//! that recalls or edits has the message in `related_mid` (lanying.md 5.6), so its callback does too.

use std::borrow::Cow;

use tidings_domain::{App, Content, ConversationKind, MsgId, UnixMillis, UserId};

use super::{content::fields_of, dto};
use crate::json::bytes_of;

/// The fields common to all callbacks.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// The app.
    pub app: &'a App,
    /// The message.
    pub msg_id: MsgId,
    /// The actor.
    pub from: UserId,
    /// The id of the receiving user, group or room.
    pub to: i64,
    /// The time: of a message, its commit.
    pub at: UnixMillis,
}

/// Reports a message: `CHAT` to a user, `GROUPCHAT` to a group or a room.
pub fn sent_callback(event: &Event<'_>, kind: ConversationKind, content: &Content) -> Vec<u8> {
    let kind = match kind {
        ConversationKind::Direct => "CHAT",
        ConversationKind::Group | ConversationKind::Room => "GROUPCHAT",
    };
    bytes_of(&said(event, kind, content))
}

/// Reports an edited message: `REPLACE`.
pub fn edited_callback(event: &Event<'_>, content: &Content) -> Vec<u8> {
    bytes_of(&dto::Callback { related_mid: Some(event.msg_id.0), ..said(event, "REPLACE", content) })
}

/// Reports a recalled message: `RECALL`, the name of content type 10, for `type` and `ctype` alike. A receiver that
/// only knows texts ignores it, instead of reading an empty text.
pub fn recalled_callback(event: &Event<'_>) -> Vec<u8> {
    bytes_of(&dto::Callback { ctype: "RECALL", related_mid: Some(event.msg_id.0), ..blank(event, "RECALL") })
}

fn said<'a>(event: &Event<'a>, kind: &'static str, content: &'a Content) -> dto::Callback<'a> {
    let fields = fields_of(content);
    dto::Callback {
        ctype: fields.ctype,
        content: fields.content,
        ext: fields.ext.unwrap_or_default(),
        config: fields.config,
        attachment: fields.attachment,
        ..blank(event, kind)
    }
}

fn blank<'a>(event: &Event<'a>, kind: &'static str) -> dto::Callback<'a> {
    dto::Callback {
        app_id: &event.app.lanying_app_id,
        msg_id: event.msg_id.0,
        from: dto::UidText { uid: event.from.to_string() },
        to: dto::UidText { uid: event.to.to_string() },
        kind,
        ctype: "",
        content: Cow::default(),
        ext: Cow::default(),
        config: None,
        attachment: None,
        timestamp: event.at.0,
        related_mid: None,
    }
}
