//! The bodies of callbacks to an app's server (agora.md 11).

use md5::{Digest, Md5};
use tidings_domain::{App, Content, ConversationKind, MsgId, UnixMillis, hex};

use super::{
    dto,
    recall::chat_type,
    record::{MessageFiles, body_and_ext},
};
use crate::json::bytes_of;

/// The vendor's name for an edit by REST (agora.md 11.3).
pub const REST_OPERATOR: &str = "easemob_rest_app_admin";

const SECURITY_VERSION: &str = "1.0.0";

/// In callbacks `customExts` is always an array, unlike in exports (agora.md 11.3).
const EXTS_ARRAY: bool = true;

/// The fields common to all callbacks.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// The app.
    pub app: &'a App,
    /// The secret of the callback's rule.
    pub secret: &'a str,
    /// When the callback was first made. `security` covers it.
    pub timestamp: UnixMillis,
    /// The conversation.
    pub kind: ConversationKind,
    /// The actor: the folded name or the id (agora.md 1.2).
    pub from: &'a str,
    /// The receiving user; for groups and rooms the id.
    pub to: &'a str,
    /// `msg_id`: the message's id. Recalls, edits and receipts have one of their own, since receivers identify
    /// callbacks by `callId`, which ends in it.
    pub id: &'a str,
    /// `host`: the sending server; pre-send callbacks do not have it.
    pub host: &'a str,
}

/// `security`: MD5 of the call's id, the secret and the milliseconds, as lower-case hex digits (agora.md 11.1).
pub fn security(call_id: &str, secret: &str, timestamp: UnixMillis) -> String {
    hex(&Md5::digest(format!("{call_id}{secret}{timestamp}", timestamp = timestamp.0)))
}

/// Asks whether a message may be delivered (agora.md 11.2). `call` identifies the call; a uuid.
pub fn pre_send_callback(event: &Event<'_>, call: &str, content: &Content) -> Vec<u8> {
    let (body, ext) = body_and_ext(content, EXTS_ARRAY, MessageFiles::default());
    let payload = dto::Payload { bodies: [&body], ext: &ext, from: event.from, to: event.to };
    let appkey = event.appkey();
    let call_id = format!("{appkey}_{call}");
    let callback = event.callback((&appkey, &call_id), chat_type(event.kind), payload);
    bytes_of(&dto::Callback { event_type: None, appkey: None, host: None, ..callback })
}

/// Reports an accepted message; `offline` if its receiver was not online (agora.md 11.3).
pub fn post_send_callback(event: &Event<'_>, offline: bool, content: &Content) -> Vec<u8> {
    let (body, ext) = body_and_ext(content, EXTS_ARRAY, MessageFiles::default());
    let payload = dto::Payload { bodies: [&body], ext: &ext, from: event.from, to: event.to };
    let chat_type = match event.kind {
        ConversationKind::Direct => "chat",
        ConversationKind::Group | ConversationKind::Room => "groupchat",
    };
    let event_type = Some(if offline { "chat_offline" } else { "chat" });
    event.after_event_body(chat_type, payload, |callback| dto::Callback { event_type, ..callback })
}

/// Reports a recalled message (agora.md 11.3).
pub fn recall_callback(event: &Event<'_>, recalled: MsgId) -> Vec<u8> {
    let recall_id = Some(recalled.to_string());
    event.after_event_body("recall", event.ack(recalled), |callback| dto::Callback { recall_id, ..callback })
}

/// Reports a read receipt (agora.md 11.3).
pub fn read_ack_callback(event: &Event<'_>, acknowledged: MsgId) -> Vec<u8> {
    let is_direct = event.kind == ConversationKind::Direct;
    let msg_config = (!is_direct).then_some(dto::MsgConfig { allow_group_ack: true });
    event.after_event_body("read_ack", dto::AckPayload { msg_config, ..event.ack(acknowledged) }, |callback| callback)
}

/// An edit of a message.
#[derive(Debug, Clone, Copy)]
pub struct Edit<'a> {
    /// The message.
    pub message: MsgId,
    /// The number of edits, including this one.
    pub count: i32,
    /// The time of the edit.
    pub edited_at: UnixMillis,
    /// Who edited: a user, or [`REST_OPERATOR`].
    pub operator: &'a str,
    /// When it was sent.
    pub sent_at: UnixMillis,
    /// The sender.
    pub sender: &'a str,
    /// The new content.
    pub content: &'a Content,
}

/// Reports an edited message (agora.md 11.3).
pub fn edit_callback(event: &Event<'_>, edit: &Edit<'_>) -> Vec<u8> {
    let (body, ext) = body_and_ext(edit.content, EXTS_ARRAY, MessageFiles::default());
    let payload = dto::EditPayload {
        edit_message_id: edit.message.to_string(),
        new: dto::Payload { bodies: [&body], ext: &ext, from: event.from, to: event.to },
        meta: dto::EditMeta {
            edit_msg: dto::EditMsg {
                count: edit.count,
                edit_time: edit.edited_at.0,
                operator: edit.operator,
                send_time: edit.sent_at.0,
                sender: edit.sender,
            },
        },
    };
    event.after_event_body("edit", payload, |callback| callback)
}

impl<'a> Event<'a> {
    fn appkey(&self) -> String {
        format!("{}#{}", self.app.org, self.app.name)
    }

    fn ack(&self, message: MsgId) -> dto::AckPayload<'a> {
        dto::AckPayload {
            ack_message_id: message.to_string(),
            bodies: [],
            ext: dto::NoKeys {},
            from: self.from,
            to: self.to,
            msg_config: None,
        }
    }

    /// A callback after the event: its call is identified by the event's id.
    pub(super) fn after_event_body<P: serde::Serialize>(
        &self,
        chat_type: &'static str,
        payload: P,
        with: impl for<'b> FnOnce(dto::Callback<'b, P>) -> dto::Callback<'b, P>,
    ) -> Vec<u8> {
        let appkey = self.appkey();
        let call_id = format!("{appkey}_{}", self.id);
        bytes_of(&with(self.callback((&appkey, &call_id), chat_type, payload)))
    }

    fn callback<'b, P: serde::Serialize>(
        &self,
        (appkey, call_id): (&'b str, &'b str),
        chat_type: &'static str,
        payload: P,
    ) -> dto::Callback<'b, P>
    where
        'a: 'b,
    {
        dto::Callback {
            call_id,
            event_type: Some("chat"),
            timestamp: self.timestamp.0,
            chat_type,
            group_id: (self.kind != ConversationKind::Direct).then(|| self.to.to_owned()),
            from: self.from,
            to: self.to,
            recall_id: None,
            msg_id: self.id,
            payload,
            security_version: SECURITY_VERSION,
            security: security(call_id, self.secret, self.timestamp),
            appkey: Some(appkey),
            host: Some(self.host),
        }
    }
}
