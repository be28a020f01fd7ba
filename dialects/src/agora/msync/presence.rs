//! The presence of a user, as an entry of a queue.

use prost::Message as _;
use tidings_domain::UnixMillis;

use super::{
    events::id_of,
    jid::sender,
    pb::{Meta, meta::NameSpace},
};
use crate::{
    agora::{dto, presence},
    json::text_of,
};

/// The presence of a user, for those who are subscribed to it. `id` is unique, and the same whenever it is delivered again.
pub fn presence_changed(id: &str, at: UnixMillis, presence: &presence::Presence) -> Vec<u8> {
    let values = [presence.shown()];
    let notice = dto::PresenceNotice { kind: "presence", data: dto::PresenceNoticeData { values } };
    let meta = Meta {
        id: Some(id_of(id)),
        from: Some(sender(presence.username.clone())),
        timestamp: Some(at.0 as u64),
        ns: Some(NameSpace::Notify.into()),
        payload: Some(text_of(&notice).into_bytes()),
        ..Meta::default()
    };
    meta.encode_to_vec()
}
