//! Events as entries of queues.

use bytes::Bytes;
use tidings_dialects::agora::{
    Names, Presence,
    msync::{self as codec, Ack, Act, Changed, Queue},
};
use tidings_domain::{Change, ConversationId, EventKind, Message, MsgId, UserId};
use tidings_proto::moment_or_zero;

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

/// An event for a user; none: clients do not get it. `has_all`: the user's device was handed nothing that is newer
/// than the message of the event.
pub(super) fn entries_of(event: &Event, user: UserId, has_all: bool, app_key: &str) -> Vec<(Queue, Entry)> {
    let place = event.event.conversation.or_else(|| Some(event.event.change.as_ref()?.place()));
    let Some(conversation) = place else { return Vec::new() };
    let own = || encoded_own(event, user, has_all, app_key);
    let metas = own().unwrap_or_else(|| event.msync.get_or_init(|| encoded(event, app_key)).clone());
    let delivers = event.event.message.as_ref().filter(|_| is_sent(event)).and_then(|message| delivers(message, user));
    let queue = match &event.event.change {
        Some(Change::PresenceChanged { user, .. }) => Queue::of_user(&event.names.of(*user)),
        _ => queue_of(conversation, user, &event.names),
    };
    metas.into_iter().map(|meta| (queue.clone(), Entry { meta, delivers })).collect()
}

/// A stored message for a user.
pub(super) fn entry_of_message(message: &Message, user: UserId, names: &Names, app_key: &str) -> (Queue, Entry) {
    let meta = Bytes::from(codec::sent(message, names, app_key));
    (queue_of(message.conversation, user, names), Entry { meta, delivers: delivers(message, user) })
}

/// Whether it is a message.
pub(super) fn is_sent(event: &Event) -> bool {
    matches!(EventKind::of_name(&event.event.wire.kind), Some(EventKind::Sent | EventKind::Online))
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
    Some(codec::presence_changed(&wire.id, moment_or_zero(wire.at), &presence).into())
}

/// What only this user gets, if that differs from what everybody gets.
fn encoded_own(event: &Event, user: UserId, has_all: bool, app_key: &str) -> Option<Vec<Bytes>> {
    let of = &event.event;
    if let Some(change) = of.change.as_ref().filter(|change| codec::is_named(change, user)) {
        return Some(bytes(codec::notices_for(&changed(event, change, app_key), user)));
    }
    let kind = EventKind::of_name(&of.wire.kind).filter(|_| of.actor == user)?;
    match kind {
        EventKind::Read => {}
        // The device that did it could not distinguish it from another one.
        EventKind::Delivered | EventKind::Pinned | EventKind::Unpinned => return Some(Vec::new()),
        _ => return None,
    }
    // On another device of the user.
    let act = act(event, of.conversation?);
    let (ack, act) = if has_all { (Ack::ReadAll, Act { msg_id: MsgId::ZERO, ..act }) } else { (Ack::Read, act) };
    Some(vec![codec::acknowledged(ack, &act, &event.names, app_key).into()])
}

fn bytes(metas: Vec<Vec<u8>>) -> Vec<Bytes> {
    metas.into_iter().map(Bytes::from).collect()
}

fn changed<'a>(event: &'a Event, change: &'a Change, app_key: &'a str) -> Changed<'a> {
    let of = &event.event;
    let (names, place) = (&*event.names, &event.place);
    Changed { id: &of.wire.id, actor: of.actor, at: moment_or_zero(of.wire.at), change, names, place, app_key }
}

fn act(event: &Event, conversation: ConversationId) -> Act<'_> {
    let of = &event.event;
    Act {
        id: &of.wire.id,
        actor: of.actor,
        at: moment_or_zero(of.wire.at),
        conversation,
        msg_id: MsgId(of.wire.msg_id),
        sender: of.of.map(|(_, sender)| sender),
    }
}

fn encoded(event: &Event, app_key: &str) -> Vec<Bytes> {
    let (of, names) = (&event.event, &event.names);
    match &of.change {
        Some(Change::PresenceChanged { .. }) => return presence(event).into_iter().collect(),
        Some(change) => return bytes(codec::notices(&changed(event, change, app_key))),
        None => {}
    }
    let (Some(kind), Some(conversation)) = (EventKind::of_name(&of.wire.kind), of.conversation) else {
        return Vec::new();
    };
    let (act, message) = (act(event, conversation), of.message.as_ref());
    let encoded = match kind {
        EventKind::Sent | EventKind::Online | EventKind::OnlineBroadcast => {
            message.map(|message| codec::sent(message, names, app_key))
        }
        EventKind::Recalled => Some(codec::recalled(&act, names, app_key)),
        EventKind::Edited => message.map(|message| codec::edited(&act, message, names, app_key)),
        EventKind::Read => Some(codec::acknowledged(Ack::Read, &act, names, app_key)),
        EventKind::Delivered => Some(codec::acknowledged(Ack::Delivered, &act, names, app_key)),
        EventKind::Reacted | EventKind::Unreacted => of.wire.reaction.as_ref().map(|reaction| {
            let what = (reaction.reaction.as_str(), kind == EventKind::Reacted);
            codec::reacted(&act, what, &event.reactions, names)
        }),
        EventKind::Pinned | EventKind::Unpinned => Some(codec::pinned(&act, kind == EventKind::Pinned, names)),
        EventKind::Refused | EventKind::Changed(_) => None,
    };
    encoded.into_iter().map(Bytes::from).collect()
}
