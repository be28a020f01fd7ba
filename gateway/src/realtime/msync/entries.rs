//! Events as entries of queues.

use bytes::Bytes;
use tidings_dialects::agora::{
    Names, Presence,
    msync::{self as codec, Ack, Act, Queue},
};
use tidings_domain::{Change, ConversationId, EventKind, Message, MsgId, UnixMillis, UserId};

use super::queues::Entry;
use crate::realtime::event::Event;

/// The queue of a conversation for one of its users.
pub(super) fn queue_of(conversation: ConversationId, user: UserId, names: &Names) -> Queue {
    match conversation {
        ConversationId::Direct(..) => Queue::of_user(&names.of(conversation.peer_of(user).unwrap_or(user))),
        ConversationId::Group(group) => Queue::of_group(group.0),
        ConversationId::Room(room) => Queue::of_group(room.0),
    }
}

/// An event for a user; `None`: clients are not told of it.
pub(super) fn entry_of(event: &Event, user: UserId, app_key: &str) -> Option<(Queue, Entry)> {
    if let Some(Change::PresenceChanged { user, .. }) = &event.event.change {
        let meta = event.msync.get_or_init(|| presence(event)).clone()?;
        return Some((Queue::of_user(&event.names.of(*user)), Entry { meta, delivers: None }));
    }
    let kind = EventKind::of_name(&event.event.wire.kind);
    let is_mark = matches!(kind, Some(EventKind::Read | EventKind::Delivered));
    if is_mark && event.event.actor == user {
        return None;
    }
    let conversation = event.event.conversation?;
    let meta = event.msync.get_or_init(|| encoded(event, app_key)).clone()?;
    let delivers = event.event.message.as_ref().and_then(|message| delivers(message, user));
    Some((queue_of(conversation, user, &event.names), Entry { meta, delivers }))
}

/// A stored message for a user.
pub(super) fn entry_of_message(message: &Message, user: UserId, names: &Names, app_key: &str) -> (Queue, Entry) {
    let meta = Bytes::from(codec::sent(message, names, app_key));
    (queue_of(message.conversation, user, names), Entry { meta, delivers: delivers(message, user) })
}

/// Rooms have no delivered marks: they are not among a user's conversations.
fn delivers(message: &Message, user: UserId) -> Option<(ConversationId, MsgId)> {
    let counts = message.sender != user && message.seq > 0 && !matches!(message.conversation, ConversationId::Room(_));
    counts.then_some((message.conversation, message.msg_id))
}

/// The presence of a user to whom the session's user is subscribed.
fn presence(event: &Event) -> Option<Bytes> {
    let Some(Change::PresenceChanged { user, statuses, ext, last_time_ms, .. }) = &event.event.change else {
        return None;
    };
    let presence = Presence {
        username: event.names.of(*user).to_ascii_lowercase(),
        last_time: *last_time_ms,
        ext: ext.clone(),
        statuses: statuses.iter().cloned().collect(),
        ..Presence::default()
    };
    let wire = &event.event.wire;
    Some(codec::presence_changed(&wire.id, UnixMillis(wire.at_ms), &presence).into())
}

fn encoded(event: &Event, app_key: &str) -> Option<Bytes> {
    let (event, names) = (&event.event, &event.names);
    let act = Act {
        id: &event.wire.id,
        actor: event.actor,
        at: UnixMillis(event.wire.at_ms),
        conversation: event.conversation?,
        msg_id: MsgId(event.wire.msg_id),
        sender: event.of.map(|(_, sender)| sender),
    };
    let bytes = match EventKind::of_name(&event.wire.kind)? {
        EventKind::Sent | EventKind::Online | EventKind::OnlineBroadcast => {
            codec::sent(event.message.as_ref()?, names, app_key)
        }
        EventKind::Recalled => codec::recalled(&act, names, app_key),
        EventKind::Edited => codec::edited(&act, event.message.as_ref()?, names, app_key),
        EventKind::Read => codec::acknowledged(Ack::Read, &act, names, app_key),
        EventKind::Delivered => codec::acknowledged(Ack::Delivered, &act, names, app_key),
        EventKind::Refused | EventKind::Reacted | EventKind::Unreacted | EventKind::Changed(_) => return None,
    };
    Some(bytes.into())
}
