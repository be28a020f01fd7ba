//! Messages as the vendor's client SDKs exchange them: protobuf, on the WebSocket and in client histories (agora.md 12).

mod changed;
mod changes;
mod commands;
mod content;
mod discovery;
mod events;
mod ext;
mod frames;
mod jid;
mod meta;
mod notices;
mod operations;
pub mod pb;
mod presence;
mod roster;

pub use changed::{Changed, GroupState, Settings};
pub use changes::{is_named, notices, notices_for};
pub use commands::{LOGIN, name_of};
pub use content::{content_from, wire_content};
pub use discovery::{Address, server_config, sock_js_info};
pub use events::{Ack, Act, LogoutReason, Room, acknowledged, edit_done, edited, parted, recalled, room_done, sent};
pub use ext::{ext_object, key_values};
pub use frames::{
    Answered, Frame, Login, Outcome, Queue, answered, last_page, logged_in, logged_out, login_refused, notice, page,
    parse, parting, refused, unread,
};
pub use jid::{CONFERENCE_DOMAIN, USER_DOMAIN, app_key, jid_of, name_in};
pub use meta::{body_of, meta, meta_text};
pub use notices::{pinned, reacted};
pub use operations::{CommandKind, Operation, RosterAction, login_outcome, operation, outcome_of};
pub use presence::presence_changed;
