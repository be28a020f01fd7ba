//! A stored message as an entry of a queue or a history.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use prost::Message as _;
use tidings_domain::{ConversationId, ConversationKind, Message, Priority};

use super::{
    content::wire_content,
    ext::{int_entry, key_values},
    jid::{CONFERENCE_DOMAIN, USER_DOMAIN, jid_of},
    pb::{
        Jid, MessageBody, Meta,
        message_body::{MessageConfig, Type},
        meta::{NameSpace, RouteType},
    },
};
use crate::{
    agora::{Names, dto, ext_from},
    json::text_of,
};

/// The message as clients of the app `app_key` (`org#app`) receive it.
pub fn meta(message: &Message, names: &Names, app_key: &str) -> Meta {
    let body = body_of(message, names, app_key);
    let is_directed = !message.audience.is_empty();
    let route = if is_directed { RouteType::Direct } else { RouteType::All };
    Meta {
        id: Some(message.msg_id.0 as u64),
        from: body.from.clone(),
        to: body.to.clone(),
        timestamp: Some(message.sent_at.0 as u64),
        ns: Some(NameSpace::Chat.into()),
        payload: Some(body.encode_to_vec()),
        routetype: Some(route.into()),
        ext: priority(message).map(|level| int_entry(dto::ROOM_PRIORITY, level)).into_iter().collect(),
        meta: None,
        directed_users: message.audience.iter().map(|user| names.of(*user)).collect(),
    }
}

/// The same in base64, as histories have it.
pub fn meta_text(message: &Message, names: &Names, app_key: &str) -> String {
    STANDARD.encode(meta(message, names, app_key).encode_to_vec())
}

/// The payload of the message's [`Meta`].
pub fn body_of(message: &Message, names: &Names, app_key: &str) -> MessageBody {
    let kind = match message.conversation.kind() {
        ConversationKind::Direct => Type::Chat,
        ConversationKind::Group => Type::Groupchat,
        ConversationKind::Room => Type::Chatroom,
    };
    let ext = ext_from(&message.content);
    MessageBody {
        kind: Some(kind.into()),
        from: Some(jid_of(app_key, names.of(message.sender), USER_DOMAIN)),
        to: Some(receiver(message, names, app_key)),
        contents: vec![wire_content(&message.content)],
        ext: ext.as_deref().map(key_values).unwrap_or_default(),
        msg_config: message.delivery.need_ack.then_some(MessageConfig { allow_group_ack: Some(true) }),
        meta: edited(message, names),
        ..MessageBody::default()
    }
}

fn receiver(message: &Message, names: &Names, app_key: &str) -> Jid {
    match message.conversation {
        ConversationId::Direct(low, _) => {
            let user = message.conversation.peer_of(message.sender).unwrap_or(low);
            jid_of(app_key, names.of(user), USER_DOMAIN)
        }
        ConversationId::Group(group) => jid_of(app_key, group.to_string(), CONFERENCE_DOMAIN),
        ConversationId::Room(room) => jid_of(app_key, room.to_string(), CONFERENCE_DOMAIN),
    }
}

fn priority(message: &Message) -> Option<i64> {
    if message.conversation.kind() != ConversationKind::Room {
        return None;
    }
    Some(match message.delivery.priority {
        Priority::High => 0,
        Priority::Normal => 1,
        Priority::Low => 2,
    })
}

/// The log does not record who edited it: shown as an edit by its sender, which most are.
fn edited(message: &Message, names: &Names) -> Option<String> {
    let edit_time = message.edited_at?.0;
    let operator = names.of(message.sender);
    let edit_msg = dto::EditedMeta { count: message.edits, operator: &operator, edit_time };
    Some(text_of(&dto::BodyMeta { edit_msg }))
}
