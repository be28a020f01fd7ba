//! In Agora's format (agora.md 11.3).

use tidings_dialects::agora::{
    Edit, Event as CallbackEvent, REST_OPERATOR, edit_callback, post_send_callback, read_ack_callback, recall_callback,
};
use tidings_domain::{App, ConversationId, EventKind, UserId};

use super::{Event, UserDetails};
use crate::model::Endpoint;

/// The source of the events.
pub(super) const HOST: &str = "tidings";

/// The command and the body; `None` where the vendor has no callback for it.
pub fn render(app: &App, endpoint: &Endpoint, event: &Event, details: &UserDetails) -> Option<(&'static str, Vec<u8>)> {
    let name = |user: UserId| details.name(user).map_or_else(|| user.to_string(), str::to_ascii_lowercase);
    // For a receipt it is the reader.
    let who = if event.kind == EventKind::Read { event.actor } else { event.sender };
    let from = if who == UserId::ADMIN { "admin".to_owned() } else { name(who) };
    let to = match event.conversation {
        ConversationId::Direct(..) => name(event.conversation.peer_of(who)?),
        ConversationId::Group(group) => group.to_string(),
        ConversationId::Room(room) => room.to_string(),
    };
    // Receivers identify callbacks by an id, so the message's own id must not be used twice.
    let id = match event.kind {
        EventKind::Recalled => format!("{}-recall", event.msg_id),
        EventKind::Edited => format!("{}-edit-{}", event.msg_id, event.at.0),
        EventKind::Read => format!("{}-read-{}", event.msg_id, event.actor),
        EventKind::Sent
        | EventKind::Online
        | EventKind::OnlineBroadcast
        | EventKind::Delivered
        | EventKind::Refused
        | EventKind::Reacted
        | EventKind::Unreacted
        | EventKind::Pinned
        | EventKind::Unpinned
        | EventKind::Changed(_) => event.msg_id.to_string(),
    };
    let callback = CallbackEvent {
        app,
        secret: endpoint.token.as_deref().unwrap_or_default(),
        timestamp: event.at,
        kind: event.conversation.kind(),
        from: &from,
        to: &to,
        id: &id,
        host: HOST,
    };
    match event.kind {
        EventKind::Sent | EventKind::Online => {
            Some(("chat", post_send_callback(&callback, false, event.content.as_ref()?)))
        }
        EventKind::Read => Some(("read_ack", read_ack_callback(&callback, event.msg_id))),
        EventKind::Recalled => Some(("recall", recall_callback(&callback, event.msg_id))),
        EventKind::Edited => {
            let operator = if event.actor == UserId::ADMIN { REST_OPERATOR.to_owned() } else { name(event.actor) };
            let edit = Edit {
                message: event.msg_id,
                count: event.edits.max(1),
                edited_at: event.at,
                operator: &operator,
                sent_at: event.sent_at,
                sender: &from,
                content: event.content.as_ref()?,
            };
            Some(("edit", edit_callback(&callback, &edit)))
        }
        // The vendor does not report rejected messages.
        EventKind::Refused
        | EventKind::OnlineBroadcast
        | EventKind::Delivered
        | EventKind::Reacted
        | EventKind::Unreacted
        | EventKind::Pinned
        | EventKind::Unpinned
        | EventKind::Changed(_) => None,
    }
}
