//! Broadcasts (agora.md 2.7).

use tidings_domain::{Content, Delivery, Policy, Priority, UserRef};

use super::{Call, Refusal, Timing, body, draft, dto, refusal::decode};
use crate::json::bytes_of;

/// The receivers of a broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Everybody {
    /// `/messages/broadcast`: every user of the app.
    Users,
    /// `/messages/users/broadcast`: everybody who is online.
    Online,
    /// `/messages/chatrooms/broadcast`: every active room.
    Rooms,
}

impl Everybody {
    /// The name of the call, for the scope of idempotency keys.
    pub const fn call(self) -> &'static str {
        match self {
            Self::Users => "agora/messages/broadcast",
            Self::Online => "agora/messages/users/broadcast",
            Self::Rooms => "agora/messages/chatrooms/broadcast",
        }
    }
}

/// The parameters of a broadcast.
#[derive(Debug)]
pub struct Broadcast {
    /// `None` is the app itself.
    pub sender: Option<UserRef>,
    /// The content.
    pub content: Content,
    /// Delivery options.
    pub delivery: Delivery,
}

/// Parses the body; its message is in `msg`.
pub fn broadcast_request(body: &[u8], policy: &Policy, everybody: Everybody) -> Result<Broadcast, Refusal> {
    let request: dto::Broadcast<'_> = decode(body)?;
    if everybody == Everybody::Users {
        match request.target_type.as_deref() {
            None | Some("") => return Err(Refusal::illegal_argument("target_type must be provided")),
            Some("users") => {}
            Some(_) => return Err(Refusal::illegal_argument("target_type can only be 'users'")),
        }
    }
    let strict = policy.strict_bodies;
    let sender = match draft::named(request.from.as_ref(), "from", strict)? {
        Some("") => return Err(Refusal::illegal_argument("from can't be empty")),
        from => draft::sender(from)?,
    };
    let Some(msg) = request.msg else {
        return Err(Refusal::invalid_request_body("msg is required"));
    };
    let (kind, json) = draft::of_msg(None, msg, strict)?;
    let ext = draft::ext(request.ext, strict).map_err(|_| Refusal::illegal_argument("ext must be JSONObject"))?;
    draft::check_sizes(&json, ext.as_ref(), policy)?;
    let priority = match request.chatroom_msg_level.as_deref() {
        Some("high") => Priority::High,
        Some("low") => Priority::Low,
        _ => Priority::Normal,
    };
    let content = body::content(&kind, json, ext, strict)?;
    Ok(Broadcast { sender, content, delivery: Delivery { priority, ..Delivery::default() } })
}

/// The answer: an id as a JSON number, a quirk of the vendor.
pub fn broadcast_started(call: &Call<'_>, timing: Timing, id: i64) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(dto::BroadcastId { id }), ..call.envelope(timing) })
}
