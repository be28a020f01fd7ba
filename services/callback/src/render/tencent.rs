//! In Tencent's format (tencent.md 4 to 6).

use std::borrow::Cow;

use tidings_dialects::tencent::{
    self as codec, Callback, Direct, GroupMessage, GroupRecall, MsgKey, Outcome, Read, Withdrawn, after_read,
    after_send, after_withdraw, group_after_recall, group_after_refusal, group_after_send, refusal,
};
use tidings_domain::{ConversationId, EventKind, GroupKind, Reason, UserId};

use super::{Event, UserDetails};

/// The command and the body; `None` where the vendor has no callback for it.
pub fn render(event: &Event, details: &UserDetails) -> Option<(&'static str, Vec<u8>)> {
    let (callback, body) = match event.conversation {
        ConversationId::Direct(..) => direct(event, details)?,
        ConversationId::Group(group) => in_group(event, details, group.0, GroupKind::Group)?,
        ConversationId::Room(room) => in_group(event, details, room.0, GroupKind::Room)?,
    };
    Some((callback.command(), body))
}

pub(super) fn account(details: &UserDetails, user: UserId) -> Cow<'_, str> {
    codec::account(details.name(user), user)
}

/// The same for a party to a message: an unknown user is shown by the name that the message was refused for.
fn party<'a>(details: &'a UserDetails, event: &'a Event, user: UserId) -> Cow<'a, str> {
    let name = if user == UserId::NOBODY { Some(event.refused.1.as_str()) } else { details.name(user) };
    codec::account(name, user)
}

fn direct(event: &Event, details: &UserDetails) -> Option<(Callback, Vec<u8>)> {
    if event.kind == EventKind::Read {
        return read(event, details);
    }
    let receiver = event.receiver()?;
    let (from, to) = (party(details, event, event.sender), party(details, event, receiver));
    let key = MsgKey::of(event.seq, event.msg_id, event.sent_at);
    let unread = details.unread(receiver);
    match event.kind {
        EventKind::Sent | EventKind::Online | EventKind::Refused => {
            let content = event.content.as_ref()?;
            let online_only = event.kind == EventKind::Online;
            let direct = Direct { from: &from, to: &to, key, online_only, content, event_time: None };
            let outcome = match event.kind {
                EventKind::Refused => {
                    let (code, info) = why(event);
                    Outcome::Failed { code, info }
                }
                _ => Outcome::Delivered { unread },
            };
            Some((Callback::C2cAfterSend, after_send(&direct, outcome)))
        }
        EventKind::Recalled => {
            let withdrawn = Withdrawn { from: &from, to: &to, key, unread, event_time: event.at };
            Some((Callback::C2cAfterWithdraw, after_withdraw(&withdrawn)))
        }
        EventKind::Edited
        | EventKind::Read
        | EventKind::OnlineBroadcast
        | EventKind::Delivered
        | EventKind::Reacted
        | EventKind::Unreacted
        | EventKind::Pinned
        | EventKind::Unpinned
        | EventKind::Changed(_) => None,
    }
}

fn read(event: &Event, details: &UserDetails) -> Option<(Callback, Vec<u8>)> {
    let peer = event.conversation.peer_of(event.actor)?;
    let read = Read {
        reader: &account(details, event.actor),
        peer: &account(details, peer),
        up_to: event.sent_at,
        unread: details.unread(event.actor),
        event_time: event.at,
    };
    Some((Callback::C2cAfterRead, after_read(&read)))
}

/// The vendor's error number, and text (decision 37).
fn why(event: &Event) -> (i32, &str) {
    let (reason, detail) = &event.refused;
    refusal(Reason::from_name(reason), detail, event.conversation.kind())
}

fn in_group(event: &Event, details: &UserDetails, group: i64, kind: GroupKind) -> Option<(Callback, Vec<u8>)> {
    match event.kind {
        EventKind::Sent | EventKind::Online | EventKind::Refused => {
            let from = party(details, event, event.sender);
            let said = GroupMessage {
                group,
                kind,
                from: &from,
                operator: &party(details, event, event.requester),
                msg_id: event.msg_id,
                online_only: event.kind == EventKind::Online,
                content: event.content.as_ref()?,
                event_time: event.at,
            };
            let body = if event.kind == EventKind::Refused {
                let (code, info) = why(event);
                group_after_refusal(&said, event.sent_at, code, info)
            } else {
                group_after_send(&said, event.seq, event.sent_at, &[])
            };
            Some((Callback::GroupAfterSend, body))
        }
        EventKind::Recalled => {
            let operator = account(details, event.actor);
            let seqs = &[event.seq];
            let taken = GroupRecall { group, kind, operator: &operator, seqs, event_time: event.at };
            Some((Callback::GroupAfterRecall, group_after_recall(&taken)))
        }
        // Groups have no unread count for readers.
        EventKind::Edited
        | EventKind::Read
        | EventKind::OnlineBroadcast
        | EventKind::Delivered
        | EventKind::Reacted
        | EventKind::Unreacted
        | EventKind::Pinned
        | EventKind::Unpinned
        | EventKind::Changed(_) => None,
    }
}
