//! The envelopes of notices, and those that are JSON: threads and reactions.

use prost::Message as _;
use tidings_domain::{Change, ConversationId, GroupChanged, UserId};

use super::{
    changed::Changed,
    events::{Act, id_of},
    jid::{CONFERENCE_DOMAIN, jid_of, sender},
    pb::{Meta, MucBody, meta::NameSpace},
};
use crate::{
    agora::{Names, Reaction, dto},
    json::bytes_of,
};

/// A notice of what happened to a group or room.
pub(super) fn muc(changed: &Changed<'_>, group: GroupChanged, body: MucBody) -> Meta {
    Meta {
        // Several notices of one event differ.
        id: Some(id_of(&format!("{}/{}", changed.id, body.operation.unwrap_or_default()))),
        from: body.from.clone(),
        to: Some(jid_of(changed.app_key, group.id.to_string(), CONFERENCE_DOMAIN)),
        timestamp: Some(changed.at.0 as u64),
        ns: Some(NameSpace::Muc.into()),
        payload: Some(body.encode_to_vec()),
        ..Meta::default()
    }
}

/// A thread was created, renamed or ended.
pub(super) fn thread(changed: &Changed<'_>, group: GroupChanged) -> Vec<Meta> {
    let (operation, name) = match changed.change {
        Change::GroupCreated { name, .. } => ("create", name),
        Change::GroupUpdated { name, .. } => ("update", name),
        Change::GroupDestroyed { name, .. } => ("delete", name),
        _ => return vec![],
    };
    let of_message = Some(changed.place.of_message).filter(|msg_id| *msg_id > 0);
    let data = dto::ThreadNotice {
        id: group.id.to_string(),
        name,
        muc_parent_id: group.parent.to_string(),
        msg_parent_id: of_message.map(|msg_id| msg_id.to_string()).unwrap_or_default(),
        timestamp: changed.at.0,
        from: changed.names.of(changed.actor),
        operation,
    };
    vec![notify((changed.id, changed.at.0), data.from.clone(), &dto::Notify { kind: "thread", data })]
}

/// A user added a reaction, or removed theirs. `all` are those that the message has now, `text` the one that changed.
pub fn reacted(act: &Act<'_>, (text, added): (&str, bool), all: &[Reaction], names: &Names) -> Vec<u8> {
    let operation =
        || dto::ReactionOperation { operator: names.of(act.actor), kind: if added { "create" } else { "delete" } };
    let entry = |reaction: &'_ Reaction| (reaction.count, reaction.users.iter().map(|user| names.of(*user)).collect());
    let mut reactions: Vec<dto::ReactionEntry<'_>> = all
        .iter()
        .map(|reaction| {
            let (count, user_list) = entry(reaction);
            let op = if reaction.text == text { vec![operation()] } else { vec![] };
            dto::ReactionEntry { reaction: &reaction.text, count, user_list, op }
        })
        .collect();
    // Nobody has it any more.
    if all.iter().all(|reaction| reaction.text != text) {
        reactions.push(dto::ReactionEntry { reaction: text, count: 0, user_list: vec![], op: vec![operation()] });
    }
    let from = act.sender.unwrap_or(act.actor);
    let (to, channel_type) = match act.conversation {
        ConversationId::Direct(..) => {
            let peer = |user: UserId| act.conversation.peer_of(user);
            (names.of(peer(from).unwrap_or(from)), "chat")
        }
        ConversationId::Group(group) => (group.to_string(), "groupchat"),
        ConversationId::Room(room) => (room.to_string(), "groupchat"),
    };
    let notice = dto::ReactionNotice {
        from: names.of(from),
        to,
        channel_type,
        message_id: act.msg_id.to_string(),
        reactions,
        ts: act.at.0,
    };
    notify((act.id, act.at.0), names.of(act.actor), &dto::Notify { kind: "reaction", data: [notice] }).encode_to_vec()
}

/// A user pinned a message for everybody in its conversation, or unpinned it: for the others.
pub fn pinned(act: &Act<'_>, is_pinned: bool, names: &Names) -> Vec<u8> {
    let (id, kind) = match act.conversation {
        ConversationId::Direct(..) => (names.of(act.conversation.peer_of(act.actor).unwrap_or(act.actor)), "chat"),
        ConversationId::Group(group) => (group.to_string(), "groupchat"),
        ConversationId::Room(room) => (room.to_string(), "chatroom"),
    };
    let data = dto::PinNotice {
        operation: if is_pinned { "pin" } else { "pin_delete" },
        from: names.of(act.actor),
        id,
        kind,
        message: act.msg_id.to_string(),
        timestamp: act.at.0,
    };
    notify((act.id, act.at.0), names.of(act.actor), &dto::Notify { kind: "conv", data }).encode_to_vec()
}

/// Clients read its bytes in hexadecimal digits without leading zeros: there is no byte below 16, since JSON has none in
/// texts, and this has no line ends.
fn notify<T: serde::Serialize>((id, at): (&str, i64), from: String, notice: &T) -> Meta {
    Meta {
        id: Some(id_of(id)),
        from: Some(sender(from)),
        timestamp: Some(at as u64),
        ns: Some(NameSpace::Notify.into()),
        payload: Some(bytes_of(notice)),
        ..Meta::default()
    }
}
