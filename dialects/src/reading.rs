//! Parses request bodies, independently of how they are written.
//!
//! A byte order mark is skipped. Of a repeated key the last value counts, as in nearly every JSON parser. Unpaired
//! surrogates are refused everywhere, since no text that we store could return them. Errors contain the key of the
//! invalid value.

use std::{collections::HashMap, vec};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, IntoDeserializer as _, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use tidings_domain::has_half_pair;

use crate::entries::written_entries;

/// Why a body is invalid.
#[derive(Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is not JSON.
    NotJson(String),
    /// It is JSON with invalid content, described by a text that names the field.
    Wrong(String),
}

impl Unreadable {
    /// Only the words.
    pub fn words(self) -> String {
        match self {
            Self::NotJson(words) | Self::Wrong(words) => words,
        }
    }
}

/// The text of a body, without the byte order mark that some editors and frameworks write at the beginning.
pub fn text(body: &[u8]) -> Result<&str, Unreadable> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    std::str::from_utf8(body).map_err(|error| Unreadable::NotJson(error.to_string()))
}

/// Parses a whole request body.
pub fn read_body<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Unreadable> {
    let text = text(body)?;
    if text.trim_start().starts_with('{') {
        return read_object(text);
    }
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Err(Unreadable::Wrong("it must be a JSON object".to_owned())),
        Err(error) => Err(Unreadable::NotJson(error.to_string())),
    }
}

/// Parses a JSON object, the whole body or one inside it. Most can be parsed at once; only invalid ones are examined
/// key by key.
pub fn read_object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Unreadable> {
    if let Ok(value) = serde_json::from_str(text)
        && !has_half_pair(text)
    {
        return Ok(value);
    }
    let entries = match written_entries(text) {
        Ok(entries) => entries,
        Err(error) if error.is_data() => return Err(Unreadable::Wrong("it must be a JSON object".to_owned())),
        Err(error) => return Err(Unreadable::NotJson(error.to_string())),
    };
    let mut named = Vec::with_capacity(entries.len());
    for (name, value) in entries {
        let Ok(key) = serde_json::from_str::<String>(name.get()) else {
            return Err(Unreadable::Wrong(format!("the key {} has an unpaired surrogate", name.get())));
        };
        if has_half_pair(value.get()) {
            return Err(Unreadable::Wrong(format!("{key} has an unpaired surrogate")));
        }
        named.push((key, value));
    }
    T::deserialize(LastOfEach(named)).map_err(|error| Unreadable::Wrong(without_place(&error)))
}

/// The parser's words without the line and column, which here refer to one value.
pub fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once(" at line ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

/// An object whose keys have the last of their values. An error names its key.
struct LastOfEach<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserializer<'de> for LastOfEach<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let last: HashMap<&str, usize> = self.0.iter().enumerate().map(|(at, (key, _))| (key.as_str(), at)).collect();
        let counts: Vec<bool> =
            self.0.iter().enumerate().map(|(at, (key, _))| last.get(key.as_str()) == Some(&at)).collect();
        let entries: Vec<_> =
            self.0.into_iter().zip(counts).filter(|(_, counts)| *counts).map(|(one, _)| one).collect();
        visitor.visit_map(Entries { left: entries.into_iter(), value: None })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Entries<'a> {
    left: vec::IntoIter<(String, &'a RawValue)>,
    value: Option<(String, &'a RawValue)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        self.value = self.left.next();
        self.value.as_ref().map(|(key, _)| seed.deserialize(key.as_str().into_deserializer())).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Self::Error> {
        let (key, value) = self.value.take().ok_or_else(|| Self::Error::custom("a value without a key"))?;
        seed.deserialize(value).map_err(|error| Self::Error::custom(format!("{key}: {}", without_place(&error))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flag::Flag;

    #[derive(Debug, Deserialize)]
    struct Asked<'a> {
        name: Option<String>,
        on: Option<Flag>,
        #[serde(borrow)]
        rest: Option<&'a RawValue>,
    }

    fn read(text: &str) -> Result<Asked<'_>, Unreadable> {
        read_body(text.as_bytes())
    }

    #[test]
    fn of_a_key_that_stands_twice_the_last_value_counts() {
        let asked = read(r#"{"name":"a","on":1,"n\u0061me":"b","rest":1,"rest":{"x":1,"x":2}}"#).unwrap();
        assert_eq!((asked.name.as_deref(), asked.on), (Some("b"), Some(Flag(true))));
        assert_eq!(asked.rest.unwrap().get(), r#"{"x":1,"x":2}"#);
        assert_eq!(read(r#"{"name":1,"name":"b"}"#).unwrap().name.as_deref(), Some("b"));
    }

    #[test]
    fn a_byte_order_mark_is_skipped_where_a_text_begins_with_it() {
        assert_eq!(read("\u{feff} {\"name\":\"\u{feff}\"}").unwrap().name.as_deref(), Some("\u{feff}"));
        assert!(matches!(read("{\u{feff}}"), Err(Unreadable::NotJson(_))));
        assert!(matches!(read("\u{feff}\u{feff}{}"), Err(Unreadable::NotJson(_))));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_key() {
        let wrong = |text: &str| match read(text) {
            Err(Unreadable::Wrong(words)) => words,
            other => panic!("{other:?}"),
        };
        assert_eq!(wrong(r#"{"name":7}"#), "name: invalid type: integer `7`, expected a string");
        assert_eq!(wrong(r#"{"on":"maybe"}"#), "on: must be true or false");
        assert_eq!(wrong(r#"{"rest":["\ud800"]}"#), "rest has an unpaired surrogate");
        assert_eq!(wrong(r#"{"x\ud800":1}"#), r#"the key "x\ud800" has an unpaired surrogate"#);
        assert_eq!(wrong("[]"), "it must be a JSON object");
    }
}
