//! What happens around messages, as entries of a queue.

use prost::Message as _;
use tidings_domain::{ConversationId, ConversationKind, Message, MsgId, UnixMillis, UserId};

use super::{
    content::wire_content,
    ext::key_values,
    jid::{CONFERENCE_DOMAIN, USER_DOMAIN, jid_of, sender},
    pb::{
        Jid, MessageBody, Meta, MucBody, StatisticsBody,
        message_body::{EditScope, Type},
        meta::NameSpace,
        muc_body,
        statistics_body::Operation,
    },
};
use crate::{
    agora::{Names, dto, ext_from},
    json::text_of,
};

/// Who did what, when, and in which conversation.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// Unique among what a device receives, and the same whenever it is delivered again: clients recognize repetitions by
    /// it.
    pub id: &'a str,
    /// Who.
    pub actor: UserId,
    /// When.
    pub at: UnixMillis,
    /// Where.
    pub conversation: ConversationId,
    /// The message that it is about.
    pub msg_id: MsgId,
    /// That message's sender, if known.
    pub sender: Option<UserId>,
}

/// An acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ack {
    /// A message was read.
    Read,
    /// A message is on a device.
    Delivered,
    /// Everything was read.
    ReadAll,
}

/// A message was sent.
pub fn sent(message: &Message, names: &Names, app_key: &str) -> Vec<u8> {
    super::meta::meta(message, names, app_key).encode_to_vec()
}

/// A message was recalled.
pub fn recalled(act: &Act<'_>, names: &Names, app_key: &str) -> Vec<u8> {
    let body = MessageBody { ack_message_id: Some(act.msg_id.0 as u64), ..body(act, Type::Recall, names, app_key) };
    meta(act, body)
}

/// A message was edited; `message` as it is now.
pub fn edited(act: &Act<'_>, message: &Message, names: &Names, app_key: &str) -> Vec<u8> {
    let ext = ext_from(&message.content);
    let body = MessageBody {
        edit_message_id: Some(act.msg_id.0 as u64),
        edit_scope: Some(EditScope::BodyAndExt.into()),
        contents: vec![wire_content(&message.content)],
        ext: ext.as_deref().map(key_values).unwrap_or_default(),
        meta: Some(edit_text(act, message, names)),
        ..body(act, Type::Edit, names, app_key)
    };
    meta(act, body)
}

/// The notification of an edit's outcome to the client that made it.
pub fn edit_done(act: &Act<'_>, message: &Message, names: &Names) -> Meta {
    Meta {
        id: Some(act.msg_id.0 as u64),
        from: Some(sender(names.of(act.actor))),
        timestamp: Some(act.at.0 as u64),
        ns: Some(NameSpace::Notify.into()),
        payload: Some(edit_text(act, message, names).into_bytes()),
        ..Meta::default()
    }
}

fn edit_text(act: &Act<'_>, message: &Message, names: &Names) -> String {
    let (operator, sender) = (names.of(act.actor), names.of(message.sender));
    let chat_type = match act.conversation.kind() {
        ConversationKind::Direct => "chat:user",
        ConversationKind::Group => "chat:group",
        ConversationKind::Room => "chat:room",
    };
    let edit_msg = dto::EditNoticeMsg {
        count: message.edits,
        operator: &operator,
        edit_time: message.edited_at.unwrap_or(act.at).0,
        sender: &sender,
        send_time: message.sent_at.0,
        chat_type,
    };
    text_of(&dto::EditNotice { edit_msg })
}

/// A message was acknowledged; to its sender.
pub fn acknowledged(ack: Ack, act: &Act<'_>, names: &Names, app_key: &str) -> Vec<u8> {
    let kind = match ack {
        Ack::Read => Type::ReadAck,
        Ack::Delivered => Type::DeliverAck,
        Ack::ReadAll => Type::ChannelAck,
    };
    let ack_message_id = (act.msg_id.0 > 0).then_some(act.msg_id.0 as u64);
    meta(act, MessageBody { ack_message_id, ..body(act, kind, names, app_key) })
}

fn body(act: &Act<'_>, kind: Type, names: &Names, app_key: &str) -> MessageBody {
    let from = jid_of(app_key, names.of(act.actor), USER_DOMAIN);
    MessageBody {
        kind: Some(kind.into()),
        from: Some(from),
        to: Some(receiver(act, names, app_key)),
        ..MessageBody::default()
    }
}

fn receiver(act: &Act<'_>, names: &Names, app_key: &str) -> Jid {
    match act.conversation {
        ConversationId::Direct(low, _) => {
            // The app itself acts in conversations of others.
            let peer = |user| act.conversation.peer_of(user);
            let user = peer(act.actor).or_else(|| act.sender.and_then(peer)).unwrap_or(low);
            jid_of(app_key, names.of(user), USER_DOMAIN)
        }
        ConversationId::Group(group) => jid_of(app_key, group.to_string(), CONFERENCE_DOMAIN),
        ConversationId::Room(room) => jid_of(app_key, room.to_string(), CONFERENCE_DOMAIN),
    }
}

fn meta(act: &Act<'_>, body: MessageBody) -> Vec<u8> {
    let meta = Meta {
        id: Some(id_of(act.id)),
        from: body.from.clone(),
        to: body.to.clone(),
        timestamp: Some(act.at.0 as u64),
        ns: Some(NameSpace::Chat.into()),
        payload: Some(body.encode_to_vec()),
        ..Meta::default()
    };
    meta.encode_to_vec()
}

/// FNV-1a, in the positive range: a number for an id that is a text. It is compared with message ids, which are far smaller
/// than most of its values.
pub(super) fn id_of(text: &str) -> u64 {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    hash >> 1 | 1 << 62
}

/// What a room shows a user who enters it.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Its id.
    pub id: i64,
    /// Whether only admins may send messages.
    pub is_muted: bool,
    /// Since when it exists.
    pub created_at: UnixMillis,
    /// How many are in it, including the user.
    pub members: i32,
}

/// The outcome of entering (with what the room shows) or leaving a room.
pub fn room_done(id: u64, user: &str, room: i64, entered: Option<&Room>, app_key: &str) -> Meta {
    let operation = if entered.is_some() { muc_body::Operation::Join } else { muc_body::Operation::Leave };
    let info = entered.map(|room| {
        let entry = dto::RoomEntry {
            is_all_mute: room.is_muted,
            create_timestamp: room.created_at.0,
            is_in_white_list: false,
            member_count: room.members,
        };
        format!("{{{}:{}}}", text_of(user), text_of(&entry))
    });
    let status = muc_body::Status {
        error_code: Some(muc_body::status::ErrorCode::Ok.into()),
        description: None,
        chatroom_info: info,
    };
    let user = jid_of(app_key, user.to_owned(), USER_DOMAIN);
    let body = MucBody {
        muc_id: Some(jid_of(app_key, room.to_string(), CONFERENCE_DOMAIN)),
        operation: Some(operation.into()),
        from: Some(user.clone()),
        to: vec![user.clone()],
        is_chatroom: Some(true),
        status: Some(status),
        ..MucBody::default()
    };
    Meta {
        id: Some(id),
        from: Some(user),
        ns: Some(NameSpace::Muc.into()),
        payload: Some(body.encode_to_vec()),
        ..Meta::default()
    }
}

/// Why a session is ended permanently: its client does not reconnect automatically.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutReason {
    /// A new session of the same device.
    Replaced,
    /// The user was deleted or disabled.
    Removed,
    /// The session's token was revoked, or the app ended the session.
    Kicked,
    /// The user's password was changed.
    PasswordChanged,
}

/// The session of a user is ended. `reason` is the text of the client that has taken its place; empty: it gave none.
pub fn parted(why: LogoutReason, user: &str, reason: &str, at: UnixMillis) -> Vec<u8> {
    let operation = match why {
        LogoutReason::Replaced => Operation::UserLoginAnotherDevice,
        LogoutReason::Removed => Operation::UserRemoved,
        LogoutReason::Kicked => Operation::UserKickedByOtherDevice,
        LogoutReason::PasswordChanged => Operation::UserKickedByChangePassword,
    };
    let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
    let body = StatisticsBody { operation: Some(operation.into()), reason, ..StatisticsBody::default() };
    let payload = body.encode_to_vec();
    let meta = Meta {
        id: Some(at.0 as u64),
        from: Some(sender(user.to_owned())),
        timestamp: Some(at.0 as u64),
        ns: Some(NameSpace::Statistic.into()),
        payload: Some(payload),
        ..Meta::default()
    };
    meta.encode_to_vec()
}
