//! Deleting conversations and roaming messages one way (agora.md 6, errors of 8.3).

use tidings_domain::{ConversationKind, FLAG_RULE, MsgId, UnixMillis, Username, decimal_id, flag};

use super::{Call, Refusal, Timing, draft::group_id, dto, refusal::decode};
use crate::{
    flag::Flag,
    json::{Label, bytes_of},
};

/// The other party of a conversation, as a user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// A user.
    User(Username),
    /// A group, or a room as well if the call accepts both.
    Group(i64),
    /// A room.
    Room(i64),
}

/// The conversation to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteChannel {
    /// The other party.
    pub peer: Peer,
    /// Whether its messages are deleted too.
    pub delete_roam: bool,
}

/// The call's path as the answer shows it: without the username (agora.md 1.5).
pub const CHANNEL_PATH: &str = "/users/user_channel";

/// Parses the body of `DELETE /users/{username}/user_channel`, or the same keys from the query: proxies drop bodies of
/// DELETE requests.
pub fn delete_channel_request(body: &[u8], query: &str) -> Result<DeleteChannel, Refusal> {
    let dto: dto::DeleteChannel<'_> = if body.trim_ascii().is_empty() {
        let value = |name: &str| value(query, name);
        let wrong = || Refusal::invalid_request_body(format!("delete_roam {FLAG_RULE}"));
        let delete_roam = value("delete_roam").map(|text| flag(&text).map(Flag).ok_or_else(wrong));
        let channel = value("channel").map(|text| Label { text: text.into(), is_number: false });
        dto::DeleteChannel { channel, kind: value("type"), delete_roam: delete_roam.transpose()? }
    } else {
        decode(body)?
    };
    let Some(channel) = Label::given(dto.channel.as_ref()) else {
        return Err(Refusal::illegal_argument("field channel cannot be null or empty"));
    };
    let Some(kind) = dto.kind.filter(|kind| !kind.is_empty()) else {
        return Err(Refusal::illegal_argument("field type cannot be null or empty"));
    };
    let Some(Flag(delete_roam)) = dto.delete_roam else {
        return Err(Refusal::illegal_argument("field delete_roam cannot be null"));
    };
    // The web SDK writes groupChat.
    let peer = match kind.to_ascii_lowercase().as_str() {
        "chat" => Peer::User(Username::parse(channel)?),
        "groupchat" => Peer::Group(group_id(channel)?),
        _ => return Err(Refusal::illegal_argument("field type can only be chat or groupchat")),
    };
    Ok(DeleteChannel { peer, delete_roam })
}

/// A parameter of a query, decoded; empty is absent, and the last one counts.
pub(super) fn value(query: &str, name: &str) -> Option<String> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    pairs.filter(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.into_owned()).last()
}

/// The answer to a deletion.
pub fn channel_deleted(call: &Call<'_>, timing: Timing) -> Vec<u8> {
    let call = Call { path: CHANNEL_PATH, ..*call };
    let data = dto::Done { result: "ok" };
    bytes_of(&dto::Envelope { entities: Some(dto::Entities::NONE), data: Some(data), ..call.envelope(timing) })
}

/// Which roaming messages a user deletes (agora.md 6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roaming {
    /// These.
    Messages(Peer, Vec<MsgId>),
    /// Everything up to that time.
    UpTo(Peer, UnixMillis),
}

/// Maximum number of ids per call.
const MOST_IDS: usize = 50;

/// Parses the query of `DELETE /rest/message/roaming/{chat|group}/user/{u}`; `kind` is from the path.
pub fn roaming_messages(query: &str, kind: ConversationKind) -> Result<Roaming, Refusal> {
    let ids = value(query, "msgIdList").ok_or_else(bad_request)?;
    let ids: Vec<&str> = ids.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
    if ids.is_empty() {
        return Err(bad_request());
    }
    if ids.len() > MOST_IDS {
        return Err(Refusal::new(400, "param exception", "delete msg list limit can not greater than 50"));
    }
    // Anything but a number is not a message id, and is ignored like any id that is not in the conversation.
    let ids = ids.into_iter().filter_map(|id| decimal_id(id).map(MsgId)).collect();
    Ok(Roaming::Messages(peer(query, kind)?, ids))
}

/// Parses the query of the same with `/time`; a group's id may be a room's.
pub fn roaming_time(query: &str, kind: ConversationKind) -> Result<Roaming, Refusal> {
    let until = value(query, "delTime").and_then(|text| text.parse().ok()).ok_or_else(bad_request)?;
    Ok(Roaming::UpTo(peer(query, kind)?, UnixMillis(until)))
}

fn peer(query: &str, kind: ConversationKind) -> Result<Peer, Refusal> {
    match kind {
        ConversationKind::Direct => {
            let name = value(query, "userId").ok_or_else(bad_request)?;
            Ok(Peer::User(Username::parse(&name)?))
        }
        ConversationKind::Group | ConversationKind::Room => {
            let id = value(query, "groupId").ok_or_else(bad_request)?;
            Ok(Peer::Group(group_id(&id)?))
        }
    }
}

fn bad_request() -> Refusal {
    Refusal::new(400, "Bad Request", "Bad Request")
}

/// The answer of the roaming calls, which have no envelope.
pub fn roaming_deleted(timing: Timing) -> Vec<u8> {
    bytes_of(&dto::Status { status: "ok", timestamp: timing.timestamp })
}
