//! Small JSON helpers that several dialects use.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use tidings_domain::{JsonText, has_half_pair};

pub use crate::entries::{entries, without_key};
use crate::reading::read_object;

/// Serializes `value`, which must be one of our own types: those contain no map with unusual keys and cannot fail.
pub fn text_of<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("our own shapes have string keys and finite numbers")
}

/// As [`text_of`], as the bytes of an HTTP body.
pub fn bytes_of<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("our own shapes have string keys and finite numbers")
}

/// The text as a JSON object, if it is one that every parser accepts.
pub fn object_in(text: &str) -> Option<JsonText> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    JsonText::parse(text).ok().filter(|json| !has_half_pair(json.as_str()))
}

/// A JSON text as a raw value, to be written as it is.
pub fn raw(json: &JsonText) -> &RawValue {
    serde_json::from_str(json.as_str()).expect("a JsonText is valid JSON")
}

/// Whether two JSON texts are equal except for white space, escapes and order of keys. Values that are nested too
/// deeply to compare, or contain an unpaired surrogate, are only equal if they are identical.
pub fn is_same_value(one: &str, other: &str) -> bool {
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    one == other || value(one).is_some_and(|one| value(other) == Some(one))
}

/// A value that is a JSON object. Without this an array of the fields' values would be accepted too.
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        if !raw.get().starts_with('{') {
            return Err(D::Error::custom("must be an object"));
        }
        read_object(raw.get()).map(Self).map_err(|why| D::Error::custom(why.words()))
    }
}

/// One object or an array of them.
pub struct Objects<T> {
    /// All of them.
    pub items: Vec<Object<T>>,
    /// Whether it was a single object, not in an array.
    pub is_one: bool,
}

impl<T> Default for Objects<T> {
    fn default() -> Self {
        Self { items: Vec::new(), is_one: false }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Objects<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let items = one_or_many(raw).map_err(D::Error::custom)?;
        Ok(Self { items, is_one: !raw.starts_with('[') })
    }
}

fn one_or_many<'a, T: Deserialize<'a>>(raw: &'a str) -> Result<Vec<T>, serde_json::Error> {
    if raw.starts_with('[') { serde_json::from_str(raw) } else { serde_json::from_str(raw).map(|one| vec![one]) }
}

/// Whether a value is `[]`: how PHP writes an object without keys.
pub fn is_empty_array(raw: &RawValue) -> bool {
    let inside = raw.get().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inside.is_some_and(|inside| inside.trim_ascii().is_empty())
}

/// A name or an id: a text, or a whole number, which is read as its digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label<'a> {
    /// The text.
    pub text: Cow<'a, str>,
    /// Whether it came as a number.
    pub is_number: bool,
}

impl Label<'_> {
    /// The text, if it was one.
    pub fn given(label: Option<&Self>) -> Option<&str> {
        label.map(|label| label.text.as_ref()).filter(|text| !text.is_empty())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Label<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'a RawValue>::deserialize(deserializer)?.get();
        if raw.starts_with('"') {
            let Borrowed(text) = serde_json::from_str(raw).map_err(D::Error::custom)?;
            return Ok(Self { text, is_number: false });
        }
        if raw.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self { text: Cow::Borrowed(raw), is_number: true });
        }
        Err(D::Error::custom("must be a string, or a whole number"))
    }
}

/// One name or id, or an array of them.
pub struct OneOrMany<'a>(pub Vec<Label<'a>>);

#[derive(Deserialize)]
struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for OneOrMany<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'a RawValue>::deserialize(deserializer)?.get();
        one_or_many(raw).map(Self).map_err(D::Error::custom)
    }
}

/// Pairs written as an object in the order given; parsed with the last value of a repeated key.
#[derive(Debug, Default, Clone)]
pub struct TextMap<'a>(pub Cow<'a, [(String, String)]>);

impl Serialize for TextMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de> Deserialize<'de> for TextMap<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Vec<(String, String)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs: Self::Value = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, String>()? {
                    put(&mut pairs, key, value);
                }
                Ok(pairs)
            }
        }

        fn put(pairs: &mut Vec<(String, String)>, key: String, value: String) {
            match pairs.iter_mut().find(|(known, _)| *known == key) {
                Some(pair) => pair.1 = value,
                None => pairs.push((key, value)),
            }
        }

        /// One object: arrays are not nested, however deeply a client nests them.
        fn read(raw: &RawValue) -> serde_json::Result<Vec<(String, String)>> {
            let mut reading = serde_json::Deserializer::from_str(raw.get());
            Deserializer::deserialize_map(&mut reading, Reader)
        }

        let raw = <&RawValue>::deserialize(deserializer)?;
        if raw.get().starts_with('[') {
            // As in the vendor's callbacks and exports: an array of objects, often with one key each.
            let maps: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
            let mut all = Vec::new();
            for map in maps {
                for (key, value) in read(map).map_err(D::Error::custom)? {
                    put(&mut all, key, value);
                }
            }
            return Ok(Self(Cow::Owned(all)));
        }
        read(raw).map(|pairs| Self(Cow::Owned(pairs))).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_no_object() {
        #[derive(Deserialize)]
        struct Point {
            x: i32,
        }

        assert_eq!(serde_json::from_str::<Object<Point>>(r#"{"x":1}"#).unwrap().0.x, 1);
        assert!(serde_json::from_str::<Object<Point>>("[1]").is_err());
    }

    #[test]
    fn values_are_compared_and_what_cannot_be_is_compared_to_the_letter() {
        assert!(is_same_value(r#"{"a":1,"b":"\u00e9"}"#, r#"{ "b":"é", "a":1 }"#));
        assert!(!is_same_value("[1]", "[2]"));
        assert!(is_same_value(r#"["\ud800"]"#, r#"["\ud800"]"#));
        assert!(!is_same_value(r#"["\ud800"]"#, r#"["\ud801"]"#));
    }

    #[test]
    fn a_key_is_dropped_and_the_rest_stays_as_written() {
        let object: &RawValue = serde_json::from_str(r#"{ "a":1.0, "type" : "txt","\u0062":"\/" }"#).unwrap();
        assert_eq!(without_key(object, "type").unwrap().as_str(), r#"{"a":1.0,"\u0062":"\/"}"#);
    }
}
