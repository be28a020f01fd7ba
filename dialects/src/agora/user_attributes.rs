//! Attributes of users (agora.md 10.2).

use std::collections::BTreeMap;

use super::{Call, Refusal, Timing, dto, refusal::decode};
use crate::{
    json::{Label, OneOrMany, TextMap, bytes_of, entries},
    reading::text,
};

/// Maximum number of users, and of names, in one query.
const MAX_TARGETS: usize = 100;

/// Attributes by name.
pub type Attributes = BTreeMap<String, String>;

/// Parses the attributes to set: a form, or a JSON object by its first character. Of a repeated name the last value counts.
pub fn attributes_in(body: &[u8]) -> Result<Attributes, Refusal> {
    let text = text(body)?.trim_ascii();
    if text == "[]" {
        return Ok(Attributes::new());
    }
    if text.starts_with('{') {
        return from_json(text);
    }
    Ok(form_urlencoded::parse(text.as_bytes()).into_owned().filter(|(name, _)| !name.is_empty()).collect())
}

/// Text as it is, numbers and booleans as they are written; null is left out.
fn from_json(text: &str) -> Result<Attributes, Refusal> {
    // Also refuses unpaired surrogates, by the name of their key.
    let _: serde::de::IgnoredAny = decode(text.as_bytes())?;
    let mut attributes = Attributes::new();
    for (name, value) in entries(text).map_err(Refusal::json_parse)? {
        let value = value.get();
        let value = match value.as_bytes().first() {
            Some(b'{' | b'[') => return Err(Refusal::invalid_request_body(format!("{name} must be text"))),
            Some(b'"') => serde_json::from_str(value)
                .map_err(|_| Refusal::invalid_request_body(format!("{name} must be text")))?,
            _ if value == "null" => continue,
            _ => value.to_owned(),
        };
        attributes.insert(name, value);
    }
    Ok(attributes)
}

/// The attributes of one user.
pub fn attributes(call: &Call<'_>, timing: Timing, attributes: &Attributes) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(map(attributes)), ..call.envelope(timing) })
}

fn map(attributes: &Attributes) -> TextMap<'static> {
    let pairs = attributes.iter().map(|(name, value)| (name.clone(), value.clone()));
    TextMap(pairs.collect::<Vec<_>>().into())
}

/// The users whose attributes are requested, and the attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributesQuery {
    /// Names of users as written; 1 to 100.
    pub targets: Vec<String>,
    /// Empty: all.
    pub names: Vec<String>,
}

/// Parses the body of `POST /metadata/user/get`.
pub fn attributes_query(body: &[u8]) -> Result<AttributesQuery, Refusal> {
    let dto: dto::GetAttributes<'_> = decode(body)?;
    let texts = |list: Option<OneOrMany<'_>>| -> Vec<String> {
        list.map(|list| list.0.into_iter().map(|Label { text, .. }| text.into_owned()).collect()).unwrap_or_default()
    };
    let query = AttributesQuery { targets: texts(dto.targets), names: texts(dto.properties) };
    if query.targets.is_empty() {
        return Err(Refusal::illegal_argument("targets must be provided"));
    }
    if query.targets.len().max(query.names.len()) > MAX_TARGETS {
        return Err(Refusal::new(400, "BAD_REQUEST", format!("exceed allowed batch size {MAX_TARGETS}")));
    }
    Ok(query)
}

/// The attributes of several users, by their names as the request has them.
pub fn attributes_by_user(call: &Call<'_>, timing: Timing, users: &[(String, Attributes)]) -> Vec<u8> {
    let data: dto::AttributesByUser<'_> = users.iter().map(|(name, found)| (name.as_str(), map(found))).collect();
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// The answer to a deletion.
pub fn attributes_deleted(call: &Call<'_>, timing: Timing) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(true), ..call.envelope(timing) })
}

/// How many bytes all attributes of the app take.
pub fn attributes_size(call: &Call<'_>, timing: Timing, bytes: i64) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(bytes), ..call.envelope(timing) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Attributes {
        attributes_in(body.as_bytes()).unwrap()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Attributes {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn attributes_are_a_form_or_json_by_content_agora_10_2() {
        let expected = pairs(&[("avatarurl", "https://a.test/x.png?y=1&z"), ("nickname", "N 😀"), ("gender", "1")]);
        assert_eq!(read("avatarurl=https://a.test/x.png?y=1%26z&nickname=N+%F0%9F%98%80&gender=0&gender=1"), expected);
        assert_eq!(
            read(r#" {"avatarurl":"https://a.test/x.png?y=1&z","nickname":"N \ud83d\ude00","gender":1,"ext":null}"#),
            expected
        );
        assert_eq!(read("sign=&flag=true"), pairs(&[("sign", ""), ("flag", "true")]));
        for empty in ["", "{}", "[]", "&&", "=nameless"] {
            assert_eq!(read(empty), Attributes::new(), "{empty}");
        }
    }

    #[test]
    fn what_is_no_text_is_named() {
        let words = |body: &str| attributes_in(body.as_bytes()).unwrap_err().description.into_owned();
        for bad in ["[1]", "{}", "\"\\ud800\""] {
            assert!(words(&format!(r#"{{"nickname":"n","birth":{bad}}}"#)).contains("birth"), "{bad}");
        }
        assert_eq!(attributes_in(br#"{"a":"#).unwrap_err().error, "json_parse");
    }

    #[test]
    fn up_to_100_users_are_asked_about_at_once_agora_10_2() {
        let query = attributes_query(br#"{"targets":["Nora",7],"properties":[]}"#).unwrap();
        assert_eq!(query.targets, ["Nora", "7"]);
        assert_eq!(query.names, [""; 0]);
        let many = serde_json::json!({"targets": vec!["a"; 101], "properties": ["x"]}).to_string();
        let refusal = attributes_query(many.as_bytes()).unwrap_err();
        assert_eq!((refusal.error, &*refusal.description), ("BAD_REQUEST", "exceed allowed batch size 100"));
        assert_eq!(attributes_query(b"{}").unwrap_err().description, "targets must be provided");
    }
}
