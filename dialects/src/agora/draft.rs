//! Parses the bodies of sends into drafts (agora.md 2, errors of 8.3).

use std::collections::HashSet;

use serde_json::value::RawValue;
use tidings_domain::{
    Content, Delivery, Draft, Error, GroupId, JsonText, Policy, Priority, Reason, RoomId, Target, UserRef, Username,
    decimal_id,
};

use super::{Refusal, body, dto, refusal::decode};
use crate::{
    flag::Flag,
    json::{Label, OneOrMany, without_key},
    reading::read_object,
};

/// The kind of a send's target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressing {
    /// `/messages/users`
    Users,
    /// `/messages/chatgroups`
    Groups,
    /// `/messages/chatrooms`
    Rooms,
    /// `/messages/chatgroups/users`: some members of a group (agora.md 2.6).
    GroupMembers,
    /// `/messages/chatrooms/users`
    RoomMembers,
}

impl Addressing {
    /// The name of the call, for the scope of idempotency keys.
    pub(super) const fn call(self) -> &'static str {
        match self {
            Self::Users => "agora/messages/users",
            Self::Groups => "agora/messages/chatgroups",
            Self::Rooms => "agora/messages/chatrooms",
            Self::GroupMembers => "agora/messages/chatgroups/users",
            Self::RoomMembers => "agora/messages/chatrooms/users",
        }
    }

    /// Whether the messages are only for the named members.
    pub const fn is_targeted(self) -> bool {
        matches!(self, Self::GroupMembers | Self::RoomMembers)
    }
}

/// Parses the body of a send under the app's limits (decision 13).
pub fn draft(body: &[u8], policy: &Policy, addressing: Addressing) -> Result<Draft, Refusal> {
    read(&decode(body)?, policy, addressing)
}

/// `POST /messages`, used by older clients (agora.md 2.5): the target is in the body.
pub fn legacy_draft(body: &[u8], policy: &Policy) -> Result<(Addressing, Draft), Refusal> {
    let legacy: dto::LegacySend<'_> = decode(body)?;
    let addressing = match legacy.target_type.as_deref() {
        Some("users") => Addressing::Users,
        Some("chatgroups") => Addressing::Groups,
        Some("chatrooms") => Addressing::Rooms,
        _ => {
            let text = "'Target_type' can only be 'users', 'chatgroups', or 'chatrooms'.";
            return Err(Refusal::illegal_argument(text));
        }
    };
    let send = dto::Send { to: legacy.target, ..decode(body)? };
    Ok((addressing, read(&send, policy, addressing)?))
}

fn read(send: &dto::Send<'_>, policy: &Policy, addressing: Addressing) -> Result<Draft, Refusal> {
    let strict = policy.strict_bodies;
    let sender = sender(named(send.from.as_ref(), "from", strict)?)?;
    let targets = targets(send.to.as_ref(), policy, addressing)?;
    let content = content(send, policy)?;
    let audience = if addressing.is_targeted() { audience(send.users.as_ref(), strict)? } else { Vec::new() };
    Ok(Draft {
        sender,
        accept_unknown_names: true,
        online_only: send.routetype.as_deref() == Some(dto::ROUTE_ONLINE),
        audience,
        hidden_from: names(send.roam_ignore_users.as_ref(), "roam_ignore_users", strict)?,
        delivery: delivery(send)?,
        ..Draft::new(addressing.call(), targets, content)
    })
}

/// `type`, `body` and `ext`, or `msg` instead of the first two.
pub(super) fn content(send: &dto::Send<'_>, policy: &Policy) -> Result<Content, Refusal> {
    let (kind, body) = kind_and_body(send, policy.strict_bodies)?;
    let ext = ext(send.ext, policy.strict_bodies)?;
    check_sizes(&body, ext.as_ref(), policy)?;
    body::content(&kind, body, ext, policy.strict_bodies)
}

/// A name, which is a text under `strict_bodies` (decision 38).
pub(super) fn named<'a>(label: Option<&'a Label<'_>>, key: &str, strict: bool) -> Result<Option<&'a str>, Refusal> {
    match label {
        Some(label) if strict && label.is_number => {
            Err(Refusal::invalid_request_body(format!("{key}: must be a string")))
        }
        label => Ok(label.map(|label| label.text.as_ref())),
    }
}

/// The same, for several.
fn all_named<'a>(labels: Option<&'a OneOrMany<'_>>, key: &str, strict: bool) -> Result<Vec<&'a str>, Refusal> {
    let labels = labels.map_or(&[][..], |labels| &labels.0);
    labels.iter().map(|label| Ok(named(Some(label), key, strict)?.unwrap_or_default())).collect()
}

/// Absent means the caller: `admin` for an app token.
pub(super) fn sender(from: Option<&str>) -> Result<Option<UserRef>, Refusal> {
    match from {
        None => Ok(None),
        Some("") => Err(Refusal::message_send("param from can't be empty")),
        Some(name) => Ok(Some(UserRef::Name(Username::parse(name)?))),
    }
}

/// The limit counts names as given; repetitions are merged later (agora.md 2.4).
fn targets(to: Option<&OneOrMany<'_>>, policy: &Policy, addressing: Addressing) -> Result<Vec<Target>, Refusal> {
    let names = all_named(to, "to", policy.strict_bodies)?;
    if names.is_empty() || names.iter().any(|name| name.is_empty()) {
        return Err(Refusal::message_send("param to can't be empty"));
    }
    let most = match addressing {
        Addressing::Users => policy.max_recipients,
        Addressing::Groups => policy.max_groups,
        Addressing::Rooms => policy.max_rooms,
        Addressing::GroupMembers | Addressing::RoomMembers => 1,
    };
    if names.len() > most {
        // One group at most, but the message names the limit of the plain call (agora.md 2.6).
        let limit = match addressing {
            Addressing::GroupMembers => policy.max_groups,
            Addressing::RoomMembers => policy.max_rooms,
            _ => most,
        };
        return Err(Error::new(Reason::TooManyRecipients, limit.to_string()).into());
    }
    let mut seen = HashSet::with_capacity(names.len());
    let mut targets = Vec::with_capacity(names.len());
    for &name in &names {
        let target = target(name, addressing)?;
        if names.len() == 1 || seen.insert(name.to_ascii_lowercase()) {
            targets.push(target);
        }
    }
    Ok(targets)
}

fn target(name: &str, addressing: Addressing) -> Result<Target, Refusal> {
    match addressing {
        Addressing::Users => Ok(Target::User(UserRef::Name(Username::parse(name)?))),
        Addressing::Groups | Addressing::GroupMembers => Ok(Target::Group(GroupId(group_id(name)?))),
        Addressing::Rooms | Addressing::RoomMembers => Ok(Target::Room(RoomId(group_id(name)?))),
    }
}

/// The id of a group or room. Anything but a number is nobody's id.
pub(super) fn group_id(text: &str) -> Result<i64, Error> {
    let id = decimal_id(text).filter(|id| *id < 1 << 53);
    id.ok_or_else(|| Error::new(Reason::GroupNotFound, text))
}

/// Maximum number of users of an audience (agora.md 2.6), and of users the message is hidden from (2.1).
const MAX_NAMED: usize = 20;

fn audience(users: Option<&OneOrMany<'_>>, strict: bool) -> Result<Vec<UserRef>, Refusal> {
    let audience = names(users, "users", strict)?;
    if audience.is_empty() {
        return Err(Refusal::message_send("param users can't be empty"));
    }
    Ok(audience)
}

fn names(users: Option<&OneOrMany<'_>>, key: &str, strict: bool) -> Result<Vec<UserRef>, Refusal> {
    let names = all_named(users, key, strict)?;
    if names.len() > MAX_NAMED {
        return Err(Refusal::message_send(format!("params {key}'s size can't exceed limit {MAX_NAMED}")));
    }
    names.iter().map(|name| Ok(UserRef::Name(Username::parse(name)?))).collect()
}

fn delivery(send: &dto::Send<'_>) -> Result<Delivery, Refusal> {
    let priority = match send.chatroom_msg_level.as_deref() {
        None | Some("normal" | "") => Priority::Normal,
        Some("high") => Priority::High,
        Some("low") => Priority::Low,
        Some(_) => return Err(Refusal::message_send("param chatroom_msg_level must be high, normal or low")),
    };
    let (sync_device, need_ack) =
        (send.sync_device.is_some_and(Flag::bool), send.need_group_ack.is_some_and(Flag::bool));
    Ok(Delivery { sync_device, need_ack, priority })
}

/// `type` and `body`, or `msg`, which is both in one object (agora.md 2.5).
fn kind_and_body(send: &dto::Send<'_>, strict: bool) -> Result<(String, JsonText), Refusal> {
    if send.body.is_none()
        && let Some(msg) = send.msg
    {
        return of_msg(send.kind.as_deref(), msg, strict);
    }
    let kind = given_kind(send.kind.as_deref())?;
    let Some(body) = send.body else {
        return Err(Refusal::message_send("param body can't be empty"));
    };
    let body = object(&kind, JsonText::from_raw(body), strict)?;
    Ok((kind, body))
}

/// `msg`: a body that contains its type.
pub(super) fn of_msg(outer: Option<&str>, msg: &RawValue, strict: bool) -> Result<(String, JsonText), Refusal> {
    let inner: dto::Kind = read_object(msg.get()).map_err(|why| body::unreadable("msg", why))?;
    let kind = given_kind(inner.kind.as_deref().or(outer))?;
    let without_kind =
        without_key(msg, dto::KIND).map_err(|_| Refusal::invalid_request_body("msg is not an object"))?;
    let body = object(&kind, without_kind, strict)?;
    Ok((kind, body))
}

fn given_kind(kind: Option<&str>) -> Result<String, Refusal> {
    match kind {
        None | Some("") => Err(Refusal::message_send("param type can't be empty")),
        Some(kind) => Ok(kind.to_owned()),
    }
}

/// A custom message needs no key at all, nor does a signal unless bodies are strict (decision 38); every other kind does.
fn object(kind: &str, body: JsonText, strict: bool) -> Result<JsonText, Refusal> {
    let body = or_no_keys(body, strict);
    if !body.is_object() {
        return Err(Refusal::invalid_request_body("body must be an object"));
    }
    if body.as_str() == "{}" && !may_be_empty(kind, strict) {
        return Err(Refusal::message_send("param body can't be empty"));
    }
    Ok(body)
}

pub(super) fn may_be_empty(kind: &str, strict: bool) -> bool {
    kind == "custom" || (kind == "cmd" && !strict)
}

/// PHP writes an object without keys as `[]`, which is accepted as one unless bodies are strict (decision 38).
fn or_no_keys(json: JsonText, strict: bool) -> JsonText {
    if json.as_str() == "[]" && !strict { JsonText::no_keys() } else { json }
}

/// The app's own object.
pub(super) fn ext(ext: Option<&RawValue>, strict: bool) -> Result<Option<JsonText>, Refusal> {
    let Some(ext) = ext.map(|ext| or_no_keys(JsonText::from_raw(ext), strict)) else {
        return Ok(None);
    };
    if !ext.is_object() {
        return Err(Refusal::message_send("param ext must be JSONObject"));
    }
    Ok(Some(ext))
}

/// Bytes of the minified and decoded texts (decision 40); recipients do not count (decision 13).
pub(super) fn check_sizes(body: &JsonText, ext: Option<&JsonText>, policy: &Policy) -> Result<(), Refusal> {
    let ext_bytes = ext.map_or(0, JsonText::decoded_len);
    if ext_bytes > policy.max_ext_bytes || body.decoded_len() + ext_bytes > policy.max_content_bytes {
        return Err(if policy.agora_size_is_400 {
            Refusal::message_send("message is too large")
        } else {
            Error::new(Reason::MessageTooLarge, "").into()
        });
    }
    Ok(())
}
