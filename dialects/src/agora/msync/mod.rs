//! Messages as the vendor's client SDKs exchange them: protobuf, on the WebSocket and in client histories (agora.md 12).

mod content;
mod ext;
mod jid;
mod meta;
pub mod pb;

pub use content::{content_from, wire_content};
pub use ext::{ext_object, key_values};
pub use jid::{CONFERENCE_DOMAIN, USER_DOMAIN, app_key, jid_of, name_in};
pub use meta::{body_of, meta, meta_text};
