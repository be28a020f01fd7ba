//! Attributes of members and rooms (agora.md 10.3, 10.4).

use serde_json::value::RawValue;
use tidings_domain::{Error, Username};

use super::{Call, Refusal, Timing, dto, refusal::decode, sharing::not_in};
use crate::json::{OneOrMany, TextMap, bytes_of, entries};

/// Maximum number of members in one query.
const MAX_TARGETS: usize = 10;
/// Maximum number of a room's attributes in one change.
const MAX_KEYS: usize = 10;

/// The vendor's code for a user who is not in the room.
const NOT_IN_ROOM: i32 = 60011;

/// Names and values, in their order.
pub type Pairs = Vec<(String, String)>;

/// Parses the attributes of a member to set; an empty value, and null, removes one.
pub fn member_attributes_request(body: &[u8]) -> Result<Pairs, Refusal> {
    let dto: dto::SetAttributes<'_> = decode(body)?;
    pairs(dto.meta_data)
}

fn pairs(meta_data: Option<&RawValue>) -> Result<Pairs, Refusal> {
    let given = meta_data.map(RawValue::get).filter(|text| *text != "null");
    let text = given.ok_or_else(|| Refusal::new(400, "invalid_parameter", "metaData must be provided"))?;
    let entries = if text.starts_with('{') { entries(text).ok() } else { None };
    let entries = entries.ok_or_else(|| Refusal::invalid_request_body("metaData must be an object"))?;
    if entries.is_empty() {
        return Err(Refusal::new(400, "invalid_parameter", "metaData must not be empty"));
    }
    let mut pairs = Vec::with_capacity(entries.len());
    for (name, value) in entries {
        let value = value_of(&name, value)?;
        pairs.push((name, value));
    }
    Ok(pairs)
}

fn value_of(name: &str, value: &RawValue) -> Result<String, Refusal> {
    let wrong = |_| Refusal::invalid_request_body(format!("metaData.{name} must be a string"));
    Ok(serde_json::from_str::<Option<String>>(value.get()).map_err(wrong)?.unwrap_or_default())
}

/// Parses the query for attributes of several members: the members, and the names of the attributes; without names, all.
pub fn members_of_request(body: &[u8]) -> Result<(Vec<Username>, Vec<String>), Refusal> {
    let dto: dto::MembersOf<'_> = decode(body)?;
    let targets = texts(dto.targets);
    if targets.is_empty() {
        return Err(Refusal::new(400, "invalid_parameter", "targets must be provided"));
    }
    if targets.len() > MAX_TARGETS {
        return Err(Refusal::new(400, "metadata_error", "query param reaches limit."));
    }
    let targets = targets.iter().map(|name| Username::parse(name)).collect::<Result<_, _>>()?;
    Ok((targets, texts(dto.properties)))
}

fn texts(given: Option<OneOrMany<'_>>) -> Vec<String> {
    given.map(|many| many.0.into_iter().map(|label| label.text.into_owned()).collect()).unwrap_or_default()
}

/// The attributes of one member, or of a room.
pub fn attribute_map(call: &Call<'_>, timing: Timing, attributes: &[(String, String)]) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(TextMap(attributes.into())), ..call.envelope(timing) })
}

/// The attributes of several members, by their folded names.
pub fn attributes_of_members(call: &Call<'_>, timing: Timing, members: &[(String, Pairs)]) -> Vec<u8> {
    let data: dto::AttributesOfMembers<'_> =
        members.iter().map(|(user, attributes)| (user.clone(), TextMap(attributes.as_slice().into()))).collect();
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// Why attributes of a member could not be read or set, in these calls' own words.
pub fn member_attributes_refusal(error: &Error) -> Refusal {
    let text = match error.field() {
        Some("attributes.name") => "exceeds chatgroup user metadata single key limit",
        Some("attributes.value") => "exceeds chatgroup user metadata single value limit",
        Some("attributes") => "exceeds chatgroup user metadata total size limit",
        _ => return not_in(error, Refusal::new(404, "MetadataException", "user not in group")),
    };
    Refusal::new(400, "metadata_error", text)
}

/// Attributes of a room to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRoomAttributes {
    /// Names and values.
    pub pairs: Pairs,
    /// Whether they are removed when their user leaves.
    pub auto_delete: bool,
}

/// Parses the body that sets attributes of a room; without `autoDelete` they are removed with their user.
pub fn room_attributes_request(body: &[u8]) -> Result<NewRoomAttributes, Refusal> {
    let dto: dto::SetAttributes<'_> = decode(body)?;
    let auto_delete = match dto.auto_delete.as_deref() {
        None | Some("" | "DELETE") => true,
        Some("NO_DELETE") => false,
        Some(_) => return Err(Refusal::illegal_argument("autoDelete can only be DELETE or NO_DELETE")),
    };
    let pairs = pairs(dto.meta_data)?;
    check_batch(pairs.len())?;
    Ok(NewRoomAttributes { pairs, auto_delete })
}

/// Parses the names of attributes to remove.
pub fn removed_keys(body: &[u8], query: &str) -> Result<Vec<String>, Refusal> {
    let keys = keys(body, query)?;
    if keys.is_empty() {
        return Err(Refusal::new(400, "invalid_parameter", "keys must be provided"));
    }
    check_batch(keys.len())?;
    Ok(keys)
}

/// Parses the names of attributes to read; none is all. Clients that want all send no body.
pub fn wanted_keys(body: &[u8]) -> Result<Vec<String>, Refusal> {
    keys(body, "")
}

/// From the body, or the query: proxies drop bodies of DELETE requests.
fn keys(body: &[u8], query: &str) -> Result<Vec<String>, Refusal> {
    if body.trim_ascii().is_empty() {
        let keys = super::channel::value(query, "keys").unwrap_or_default();
        return Ok(keys.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect());
    }
    let dto: dto::Keys<'_> = decode(body)?;
    Ok(texts(dto.keys))
}

fn check_batch(count: usize) -> Result<(), Refusal> {
    if count > MAX_KEYS {
        return Err(Refusal::new(400, "metadata_error", format!("exceed allowed batch size {MAX_KEYS}")));
    }
    Ok(())
}

/// Why one attribute of a room was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFailure {
    /// The name is too long.
    NameTooLong,
    /// The name is empty, or has other characters than allowed.
    NameIllegal,
    /// The value is too long.
    ValueTooLong,
    /// It is another user's.
    NotOwn,
    /// The room has too many.
    TooMany,
}

impl KeyFailure {
    fn words(self, key: &str) -> String {
        match self {
            Self::NameTooLong => format!("properties key '{key}' is exceeding maximum limit 128"),
            Self::NameIllegal => format!("properties key '{key}' is not Legal"),
            Self::ValueTooLong => format!("properties value of key '{key}' is exceeding maximum limit 4096"),
            Self::NotOwn => format!("properties key '{key}' is not part of you"),
            Self::TooMany => "size of metadata for this single chatroom exceeds the user defined limit, 100".to_owned(),
        }
    }
}

/// The answer to a change of a room's attributes.
pub fn room_attributes_changed(call: &Call<'_>, timing: Timing, outcomes: &[(String, Option<KeyFailure>)]) -> Vec<u8> {
    let success = outcomes.iter().filter(|(_, failure)| failure.is_none()).map(|(key, _)| key.as_str()).collect();
    let failed = outcomes.iter().filter_map(|(key, failure)| Some((key.clone(), (*failure)?.words(key))));
    let errors = TextMap(failed.collect::<Vec<_>>().into());
    bytes_of(&dto::Envelope { data: Some(dto::KeysChanged { success, errors }), ..call.envelope(timing) })
}

/// Why attributes of a room could not be read or changed. For app tokens as the vendor documents it; its clients, who have
/// user tokens, expect a status and a code of their own.
pub fn room_attributes_refusal(error: &Error, by_user: bool) -> Refusal {
    let refusal = |status| Refusal::new(status, "MetadataException", "user is not in chatroom");
    not_in(error, if by_user { refusal(400).coded(NOT_IN_ROOM) } else { refusal(401) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_texts_and_null_removes_one_agora_10_3() {
        let read = |body: &str| member_attributes_request(body.as_bytes());
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let body = r#"{"metaData":{"b":"2","a":"","c":null},"unknown":1}"#;
        assert_eq!(read(body), Ok(vec![pair("b", "2"), pair("a", ""), pair("c", "")]));
        for (body, words) in [
            (r"{}", "metaData must be provided"),
            (r#"{"metaData":null}"#, "metaData must be provided"),
            (r#"{"metaData":{}}"#, "metaData must not be empty"),
            (r#"{"metaData":["a"]}"#, "metaData must be an object"),
            (r#"{"metaData":{"a":{"b":1}}}"#, "metaData.a must be a string"),
            (r#"{"metaData":{"a":7}}"#, "metaData.a must be a string"),
        ] {
            let description = read(body).unwrap_err().description;
            assert!(description.ends_with(words), "{body}: {description}");
        }
    }

    #[test]
    fn a_room_takes_ten_attributes_at_once_agora_10_4() {
        let body = |count: usize| {
            let pairs: Vec<_> = (0..count).map(|n| format!(r#""k{n}":"v""#)).collect();
            format!(r#"{{"metaData":{{{}}},"autoDelete":"NO_DELETE"}}"#, pairs.join(","))
        };
        let read = |body: &str| room_attributes_request(body.as_bytes());
        assert!(!read(&body(10)).unwrap().auto_delete);
        assert_eq!(read(&body(11)).unwrap_err().description, "exceed allowed batch size 10");
        assert!(read(r#"{"metaData":{"k":"v"}}"#).unwrap().auto_delete);
        assert!(read(r#"{"metaData":{"k":"v"},"autoDelete":"YES"}"#).is_err());
    }

    #[test]
    fn keys_may_be_in_the_query_of_a_deletion_and_missing_in_a_query() {
        assert_eq!(removed_keys(br#"{"keys":["a","b"]}"#, ""), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(removed_keys(b"", "keys=a,b"), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert!(removed_keys(b"{}", "").is_err());
        assert_eq!(wanted_keys(b""), Ok(vec![]));
        assert_eq!(wanted_keys(br#"{"keys":"a"}"#), Ok(vec!["a".to_owned()]));
    }
}
