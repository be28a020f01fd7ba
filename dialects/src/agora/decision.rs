//! A receiver's answer before a message is delivered (agora.md 11.2).

use serde_json::value::RawValue;
use tidings_domain::{Body, Content, Ext, JsonText};

use super::{
    body, body_from, draft, dto,
    record::{MessageFiles, body_and_ext},
};
use crate::json::{Object, TextMap, entries, is_same_value, text_of};

/// Maximum length of an answer in characters.
const MAX_ANSWER: usize = 1000;
/// Maximum length of a payload in bytes.
const MAX_PAYLOAD: usize = 1024;

/// What the sender's client shows when the answer has no `code`.
const DENIED: &str = "custom logic denied";
/// What it shows when the answer's `code` is empty.
const BLOCKED: &str = "Message blocked by external logic";

/// The receiver's decision.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Deliver it as it is.
    Deliver,
    /// Deliver this instead.
    DeliverChanged(Box<Content>),
    /// Do not deliver it, and show this text to the sender. A rejected message has no callback afterwards.
    Reject(String),
}

/// Parses the answer to a callback before `content` is delivered. `None`, no decision, for any status but 200, an
/// answer that is too long or not JSON or without `valid`, and an invalid changed payload: the rule's fallback
/// action decides then.
pub fn decision(status: u16, answer: &[u8], content: &Content) -> Option<Decision> {
    let answer = str::from_utf8(answer).ok()?;
    if status != 200 || answer.chars().count() > MAX_ANSWER {
        return None;
    }
    let Object(dto): Object<dto::Decision<'_>> = serde_json::from_str(answer).ok()?;
    if !dto.valid.bool() {
        return Some(Decision::Reject(shown(dto.code)));
    }
    let Some(payload) = dto.payload else {
        return Some(Decision::Deliver);
    };
    let changed = changed(payload, content)?;
    Some(if changed == *content { Decision::Deliver } else { Decision::DeliverChanged(Box::new(changed)) })
}

fn shown(code: Option<&RawValue>) -> String {
    let Some(code) = code else {
        return DENIED.to_owned();
    };
    let text = serde_json::from_str(code.get()).unwrap_or_else(|_| code.get().to_owned());
    if text.is_empty() { BLOCKED.to_owned() } else { text }
}

/// Parts that the payload repeats are unchanged, even if its serialization differs. Of several bodies the first counts:
/// our messages have one.
fn changed(payload: &RawValue, content: &Content) -> Option<Content> {
    if payload.get().len() > MAX_PAYLOAD {
        return None;
    }
    let Object(change): Object<dto::Change<'_>> = serde_json::from_str(payload.get()).ok()?;
    let (sent_body, sent_ext) = body_and_ext(content, true, MessageFiles::default());
    let is_body_itself = change.bodies.is_none() && change.kind.is_some();
    let new_body = if is_body_itself { Some(payload) } else { change.bodies.unwrap_or_default().first().copied() };
    let mut changed = content.clone();
    if let Some(new_body) = new_body.filter(|new| !is_same_value(new.get(), sent_body.get())) {
        let (kind, json) = draft::of_msg(Some(body_from(content).0), new_body, true).ok()?;
        let json = if kind == "custom" { with_one_exts(&json, content)? } else { json };
        let new = body::content(&kind, json, None, false).ok()?;
        changed = Content { body: new.body, verbatim: new.verbatim, ..changed };
    }
    if let Some(new_ext) = change.ext.filter(|new| !is_body_itself && !is_same_value(new.get(), sent_ext.get())) {
        changed.ext = draft::ext(Some(new_ext), true).ok()?.map(Ext::Object);
    }
    Some(changed)
}

/// A custom message's values appear twice in a callback. The changed one of the two counts.
fn with_one_exts(json: &JsonText, content: &Content) -> Option<JsonText> {
    let sent = match &content.body {
        Body::Custom(custom) => custom.exts.as_slice(),
        _ => &[],
    };
    let (mut kept, mut exts) = (Vec::new(), None);
    for (key, value) in entries(json.as_str()).ok()? {
        if key == dto::CUSTOM_EXTS || key == dto::CUSTOM_EXTS_V2 {
            let given = pairs(value)?;
            if exts.is_none() || given != sent {
                exts = Some(given);
            }
        } else {
            kept.push(format!("{}:{value}", text_of(&key)));
        }
    }
    if let Some(exts) = exts {
        kept.push(format!("{}:{}", text_of(dto::CUSTOM_EXTS), text_of(&TextMap(exts.into()))));
    }
    JsonText::parse(&format!("{{{}}}", kept.join(","))).ok()
}

/// Values as an object, or as an array of objects.
fn pairs(value: &RawValue) -> Option<Vec<(String, String)>> {
    serde_json::from_str::<TextMap<'_>>(value.get()).ok().map(|map| map.0.into_owned())
}
