//! The body of `POST /messages/users` as a draft (agora.md 2, errors of 8.3).

use std::collections::HashSet;

use serde_json::value::RawValue;
use tidings_domain::{Draft, Error, JsonText, Policy, Reason, Target, UserRef, Username};

use super::{Refusal, body, dto, refusal::decode};
use crate::json::without_key;

/// The name of the call, for the scope of idempotency keys.
pub const SEND_CALL: &str = "agora/messages/users";

/// Reads the body under the app's limits (decision 13).
pub fn draft(body: &[u8], policy: &Policy) -> Result<Draft, Refusal> {
    let send: dto::Send<'_> = decode(body)?;
    let sender = sender(send.from.as_deref())?;
    let targets = targets(&send, policy)?;
    let (kind, body) = kind_and_body(&send)?;
    let ext = ext(send.ext)?;
    check_sizes(&body, ext.as_ref(), policy)?;
    let content = body::content(&kind, body, ext)?;
    Ok(Draft {
        sender,
        targets,
        content,
        system: false,
        online_only: false,
        members_only: false,
        accept_unknown_names: true,
        call: SEND_CALL.to_owned(),
        idempotency_key: None,
        transaction_id: None,
    })
}

/// Absent is the caller: `admin` for an app token.
fn sender(from: Option<&str>) -> Result<Option<UserRef>, Refusal> {
    match from {
        None => Ok(None),
        Some("") => Err(Refusal::message_send("param from can't be empty")),
        Some(name) => Ok(Some(UserRef::Name(Username::parse(name)?))),
    }
}

/// The limit counts names as given; repetitions then collapse (agora.md 2.4).
fn targets(send: &dto::Send<'_>, policy: &Policy) -> Result<Vec<Target>, Refusal> {
    let names = send.to.as_ref().map_or(&[][..], |to| &to.0);
    if names.is_empty() || names.iter().any(|name| name.is_empty()) {
        return Err(Refusal::message_send("param to can't be empty"));
    }
    if names.len() > policy.max_recipients {
        return Err(Error::new(Reason::TooManyRecipients, policy.max_recipients.to_string()).into());
    }
    let mut seen = HashSet::with_capacity(names.len());
    let mut targets = Vec::with_capacity(names.len());
    for name in names {
        let name = Username::parse(name)?;
        if names.len() == 1 || seen.insert(name.folded().to_owned()) {
            targets.push(Target::User(UserRef::Name(name)));
        }
    }
    Ok(targets)
}

/// `type` and `body`, or `msg`, which is both in one object (agora.md 2.5).
fn kind_and_body(send: &dto::Send<'_>) -> Result<(String, JsonText), Refusal> {
    if send.body.is_none()
        && let Some(msg) = send.msg
    {
        return of_msg(send.kind.as_deref(), msg);
    }
    let kind = given_kind(send.kind.as_deref())?;
    let Some(body) = send.body else {
        return Err(Refusal::message_send("param body can't be empty"));
    };
    let body = object(&kind, JsonText::from_raw(body))?;
    Ok((kind, body))
}

fn of_msg(outer: Option<&str>, msg: &RawValue) -> Result<(String, JsonText), Refusal> {
    let invalid = |_| Refusal::invalid_request_body();
    let inner: dto::Kind = serde_json::from_str(msg.get()).map_err(invalid)?;
    let kind = given_kind(inner.kind.as_deref().or(outer))?;
    let body = object(&kind, without_key(msg, dto::KIND).map_err(invalid)?)?;
    Ok((kind, body))
}

fn given_kind(kind: Option<&str>) -> Result<String, Refusal> {
    match kind {
        None | Some("") => Err(Refusal::message_send("param type can't be empty")),
        Some(kind) => Ok(kind.to_owned()),
    }
}

/// A custom message needs no key at all; every other kind does.
fn object(kind: &str, body: JsonText) -> Result<JsonText, Refusal> {
    if !body.is_object() {
        return Err(Refusal::invalid_request_body());
    }
    if body.as_str() == "{}" && kind != "custom" {
        return Err(Refusal::message_send("param body can't be empty"));
    }
    Ok(body)
}

fn ext(ext: Option<&RawValue>) -> Result<Option<JsonText>, Refusal> {
    let Some(ext) = ext.map(JsonText::from_raw) else {
        return Ok(None);
    };
    if !ext.is_object() {
        return Err(Refusal::message_send("param ext must be JSONObject"));
    }
    Ok(Some(ext))
}

/// Bytes of the minified texts; recipients do not count (decision 13).
fn check_sizes(body: &JsonText, ext: Option<&JsonText>, policy: &Policy) -> Result<(), Refusal> {
    let ext_bytes = ext.map_or(0, |ext| ext.as_str().len());
    if ext_bytes > policy.max_ext_bytes || body.as_str().len() + ext_bytes > policy.max_content_bytes {
        return Err(Error::new(Reason::MessageTooLarge, "").into());
    }
    Ok(())
}
