//! Imports (agora.md 7, errors of 8.3).

use tidings_domain::{Content, Error, GroupId, Policy, Reason, Target, UnixMillis, UserRef, Username};

use super::{
    Addressing, Call, Refusal, Timing,
    draft::{self, group_id},
    dto,
    refusal::decode,
};
use crate::{flag::Flag, json::bytes_of, number::Integer};

/// A message of another system.
#[derive(Debug)]
pub struct Import {
    /// The sender.
    pub sender: UserRef,
    /// A user or a group.
    pub target: Target,
    /// The content.
    pub content: Content,
    /// The time; `None` is now.
    pub sent_at: Option<UnixMillis>,
    /// Whether it counts as unread (decision 17).
    pub countable: bool,
    /// Whether its file is fetched and stored here.
    pub need_download: bool,
}

/// The name of the call, for the scope of idempotency keys.
pub const fn import_call(addressing: Addressing) -> &'static str {
    match addressing {
        Addressing::Groups => "agora/messages/chatgroups/import",
        _ => "agora/messages/users/import",
    }
}

/// Parses the body, for users or for groups.
pub fn import_request(body: &[u8], policy: &Policy, addressing: Addressing) -> Result<Import, Refusal> {
    let send: dto::Send<'_> = decode(body)?;
    let dto: dto::Import<'_> = decode(body)?;
    let from = given(draft::named(send.from.as_ref(), "from", policy.strict_bodies)?, "from not allow empty")?;
    let target = given(draft::named(dto.target.as_ref(), "target", policy.strict_bodies)?, "target not allow empty")?;
    if send.msg.is_none() {
        let kind = given(send.kind.as_deref(), "type not allow empty")?;
        let may_be_empty = draft::may_be_empty(kind, policy.strict_bodies);
        if send.body.is_none_or(|body| body.get() == "null" || (body.get() == "{}" && !may_be_empty)) {
            return Err(Refusal::illegal_argument("message body not allow empty"));
        }
    }
    let sent_at = dto.msg_timestamp.map(|Integer(millis)| millis);
    if sent_at.is_some_and(|millis| millis <= 0) {
        return Err(Refusal::illegal_argument("msg_timestamp must be a time in milliseconds"));
    }
    Ok(Import {
        sender: UserRef::Name(Username::parse(from)?),
        target: match addressing {
            Addressing::Groups => Target::Group(GroupId(group_id(target)?)),
            _ => Target::User(UserRef::Name(Username::parse(target)?)),
        },
        content: draft::content(&send, policy)?,
        sent_at: sent_at.map(UnixMillis),
        countable: dto.is_ack_read == Some(Flag(false)),
        need_download: dto.need_download.is_some_and(Flag::bool),
    })
}

fn given<'a>(value: Option<&'a str>, otherwise: &'static str) -> Result<&'a str, Refusal> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| Refusal::illegal_argument(otherwise))
}

/// The call-specific errors; every other error keeps its general words.
pub fn import_refusal(error: &Error) -> Refusal {
    match error.reason() {
        Reason::InvalidArgument if error.subject().starts_with("sent_at") => {
            Refusal::illegal_argument(error.subject().replacen("sent_at", "msg_timestamp", 1))
        }
        _ => Refusal::from(error),
    }
}

/// The answer. Both of the vendor's examples have the call for users in `path` (agora.md 1.5); ours has the actual
/// call.
pub fn imported(call: &Call<'_>, timing: Timing, msg_id: i64) -> Vec<u8> {
    let data = dto::Imported { msg_id: msg_id.to_string() };
    bytes_of(&dto::Envelope { entities: Some(dto::Entities::NONE), data: Some(data), ..call.envelope(timing) })
}
