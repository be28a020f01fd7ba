//! `ext` on the wire: a list of typed entries, where JSON has an object.

use serde_json::value::RawValue;

use super::pb::{
    KeyValue,
    key_value::{Value, ValueType},
};
use crate::json::{entries, text_of};

/// The entries of a JSON object, in its order; none if the text is not an object.
pub fn key_values(object: &str) -> Vec<KeyValue> {
    let all = entries(object).unwrap_or_default();
    all.into_iter().map(|(key, value)| key_value(key, value)).collect()
}

/// An entry that is a text.
pub(super) fn text_entry(key: String, text: String) -> KeyValue {
    entry(key, ValueType::String, Value::String(text))
}

/// An entry that is a whole number.
pub(super) fn int_entry(key: &str, number: i64) -> KeyValue {
    entry(key.to_owned(), ValueType::Int, Value::Varint(number))
}

fn key_value(key: String, value: &RawValue) -> KeyValue {
    let json = value.get();
    match json.as_bytes().first() {
        Some(b'"') => match serde_json::from_str(json) {
            Ok(text) => text_entry(key, text),
            Err(_) => as_json(key, json),
        },
        Some(b't' | b'f') => entry(key, ValueType::Bool, Value::Varint((json == "true").into())),
        Some(b'-' | b'0'..=b'9') => number(key, json),
        _ => as_json(key, json),
    }
}

/// Numbers that no field can represent stay JSON.
fn number(key: String, json: &str) -> KeyValue {
    if let Ok(whole) = json.parse::<i64>() {
        let kind = if i32::try_from(whole).is_ok() { ValueType::Int } else { ValueType::Llint };
        return entry(key, kind, Value::Varint(whole));
    }
    let is_fraction = json.contains(['.', 'e', 'E']);
    match json.parse::<f64>() {
        Ok(number) if is_fraction && number.is_finite() => entry(key, ValueType::Double, Value::Double(number)),
        _ => as_json(key, json),
    }
}

fn as_json(key: String, json: &str) -> KeyValue {
    entry(key, ValueType::JsonString, Value::String(json.to_owned()))
}

fn entry(key: String, kind: ValueType, value: Value) -> KeyValue {
    KeyValue { key: Some(key), kind: Some(kind.into()), value: Some(value) }
}

/// The entries as the text of a JSON object. Those without a key or a value are left out, and text that claims to be
/// JSON and is not stays a text. Of a repeated key the last entry counts.
pub fn ext_object(all: &[KeyValue]) -> String {
    let mut pairs: Vec<(&str, String)> = Vec::with_capacity(all.len());
    for one in all {
        let (Some(key), Some(value)) = (one.key.as_deref(), value_text(one)) else {
            continue;
        };
        match pairs.iter_mut().find(|(known, _)| *known == key) {
            Some(pair) => pair.1 = value,
            None => pairs.push((key, value)),
        }
    }
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{}:{value}", text_of(key))).collect();
    format!("{{{}}}", pairs.join(","))
}

fn value_text(one: &KeyValue) -> Option<String> {
    Some(match (one.kind(), one.value.as_ref()?) {
        (ValueType::Bool, Value::Varint(number)) => (*number != 0).to_string(),
        (_, Value::Varint(number)) => number.to_string(),
        (_, Value::Float(number)) => float(f64::from(*number))?,
        (_, Value::Double(number)) => float(*number)?,
        (ValueType::JsonString, Value::String(json)) if serde_json::from_str::<&RawValue>(json).is_ok() => json.clone(),
        (_, Value::String(text)) => text_of(text),
    })
}

/// JSON has neither infinities nor NaN.
fn float(number: f64) -> Option<String> {
    number.is_finite().then(|| text_of(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_json_value_goes_into_entries_and_back() {
        use ValueType::{Bool, Double, Int, JsonString, Llint, String};

        let object = r#"{"t":"a\"b","yes":true,"no":false,"i":-7,"big":9007199254740993,"f":0.5,"o":{"k":[1]},"a":[],"n":null,"huge":123456789012345678901}"#;
        let all = key_values(object);
        let kinds: Vec<ValueType> = all.iter().map(KeyValue::kind).collect();
        assert_eq!(kinds, [String, Bool, Bool, Int, Llint, Double, JsonString, JsonString, JsonString, JsonString]);
        assert_eq!(ext_object(&all), object);
    }

    #[test]
    fn what_is_no_value_is_left_out_and_what_is_no_json_is_a_text() {
        let json = as_json("j".to_owned(), "{oops");
        let nan = entry("x".to_owned(), ValueType::Double, Value::Double(f64::NAN));
        let empty = KeyValue { key: Some("e".to_owned()), ..KeyValue::default() };
        assert_eq!(ext_object(&[json, nan, empty]), r#"{"j":"{oops"}"#);
        assert!(key_values("[1]").is_empty());
    }
}
