//! In Lanying's format (lanying.md 8).

use tidings_dialects::lanying::{Event as CallbackEvent, edited_callback, recalled_callback, sent_callback};
use tidings_domain::{App, ConversationId, EventKind};

use super::Event;

/// The command and the body; `None` where the vendor has no callback for it.
pub fn render(app: &App, event: &Event) -> Option<(&'static str, Vec<u8>)> {
    let to = match event.conversation {
        ConversationId::Direct(..) => event.receiver()?.0,
        ConversationId::Group(group) => group.0,
        ConversationId::Room(room) => room.0,
    };
    let callback = CallbackEvent { app, msg_id: event.msg_id, from: event.sender, to, at: event.at };
    let kind = event.conversation.kind();
    match event.kind {
        EventKind::Sent | EventKind::Online => {
            Some(("message", sent_callback(&callback, kind, event.content.as_ref()?)))
        }
        EventKind::Recalled => Some(("recall", recalled_callback(&callback))),
        EventKind::Edited => Some(("replace", edited_callback(&callback, event.content.as_ref()?))),
        EventKind::Refused
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
