//! JSON kept as text, token for token.

use std::fmt;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// A valid JSON value without white space between its tokens; digits and escapes are unchanged
/// (decision 11).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JsonText(Box<str>);

impl JsonText {
    /// Parses any JSON text.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<IgnoredAny>(text)?;
        Ok(Self(minified(text)))
    }

    /// Wraps a value that serde_json has already validated.
    pub fn from_raw(raw: &RawValue) -> Self {
        Self(minified(raw.get()))
    }

    /// `{}`
    pub fn no_keys() -> Self {
        Self("{}".into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Bytes of the text with its escapes decoded, in UTF-8, so that a character counts the same however it is written
    /// (decision 40). An unpaired surrogate counts as the replacement character.
    pub fn decoded_len(&self) -> usize {
        decoded_len(&self.0)
    }

    /// Whether one of its strings contains an unpaired surrogate, which is not a character: most parsers refuse such a
    /// text.
    pub fn has_half_pair(&self) -> bool {
        has_half_pair(&self.0)
    }

    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.0.starts_with('{')
    }
}

/// As [`JsonText::decoded_len`], of any valid JSON.
pub fn decoded_len(json: &str) -> usize {
    let text = json.as_bytes();
    if !text.contains(&b'\\') {
        return text.len();
    }
    let (mut length, mut at) = (text.len(), 0);
    while let Some(found) = text[at..].iter().position(|byte| *byte == b'\\') {
        at += found;
        let (written, meant) = escape_at(text, at);
        length -= written - meant;
        at += written;
    }
    length
}

/// As [`JsonText::has_half_pair`], of any valid JSON.
pub fn has_half_pair(json: &str) -> bool {
    let text = json.as_bytes();
    if !text.contains(&b'\\') {
        return false;
    }
    let mut at = 0;
    while let Some(found) = text[at..].iter().position(|byte| *byte == b'\\') {
        at += found;
        match unit_at(text, at) {
            Some(0xd800..=0xdbff) => match unit_at(text, at + UNIT) {
                Some(0xdc00..=0xdfff) => at += 2 * UNIT,
                _ => return true,
            },
            Some(0xdc00..=0xdfff) => return true,
            Some(_) => at += UNIT,
            None => at += 2,
        }
    }
    false
}

/// Bytes of `\uXXXX`.
const UNIT: usize = 6;

/// The lengths in bytes of the escape at `at` and of its decoded form.
fn escape_at(text: &[u8], at: usize) -> (usize, usize) {
    match unit_at(text, at) {
        None => (2, 1),
        Some(0..=0x7f) => (UNIT, 1),
        Some(0x80..=0x7ff) => (UNIT, 2),
        Some(0xd800..=0xdbff) if matches!(unit_at(text, at + UNIT), Some(0xdc00..=0xdfff)) => (2 * UNIT, 4),
        Some(_) => (UNIT, 3),
    }
}

/// The UTF-16 unit that `\uXXXX` at `at` encodes; `None` if there is no such escape.
fn unit_at(text: &[u8], at: usize) -> Option<u16> {
    let digits = text.get(at..at + UNIT)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

impl fmt::Display for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Drops the white space between tokens of valid JSON.
fn minified(json: &str) -> Box<str> {
    let mut kept = String::with_capacity(json.len());
    let mut in_string = false;
    let mut escaped = false;
    for c in json.chars() {
        if in_string {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = false,
                _ => {}
            }
        } else if c == '"' {
            in_string = true;
        } else if c.is_ascii_whitespace() {
            continue;
        }
        kept.push(c);
    }
    kept.into_boxed_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_stay_as_written_decision_11() {
        let text = "{ \"a b\" : [ 1.0e+5 , 900719925474099312345 ],\n\"\\u0000\\\" \":\"\\u00e9 é\" }";
        let json = JsonText::parse(text).unwrap();
        assert_eq!(json.as_str(), "{\"a b\":[1.0e+5,900719925474099312345],\"\\u0000\\\" \":\"\\u00e9 é\"}");
    }

    #[test]
    fn a_size_is_that_of_the_decoded_text_decision_40() {
        let size = |json: &str| JsonText::parse(json).unwrap().decoded_len();
        for (escaped, raw) in [
            (r#"{"a":"\u00e9\u20ac\ud83d\ude00\u0041"}"#, "{\"a\":\"é€😀A\"}"),
            (r#"{"a\/b":"\/"}"#, "{\"a/b\":\"/\"}"),
            (r#""\uD83D\uDE00""#, "\"😀\""),
        ] {
            assert_eq!(size(escaped), size(raw), "{escaped}");
            assert_eq!(size(raw), raw.len());
        }
        assert_eq!(size(r#""\\u0041""#), r#""\u0041""#.len(), "an escaped backslash escapes nothing behind it");
        assert_eq!(size(r#""\n\"""#), 4);
        assert_eq!(size(r#""\ud800""#), 5);
    }

    #[test]
    fn half_of_a_surrogate_pair_is_found_anywhere() {
        for half in [r#""\ud800""#, r#"{"\udc00":1}"#, r#""\ud83d\ud83d\ude00""#, r#""\ud83dx""#, r#""\ude00\ud83d""#] {
            assert!(has_half_pair(half), "{half}");
        }
        for whole in [r#""\ud83d\ude00""#, r#""\\ud800""#, r#""\ud7ff\ue000""#, r#""ud800""#, "{}", r#""\n""#] {
            assert!(!has_half_pair(whole), "{whole}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        assert!(JsonText::parse("{\"a\":}").is_err());
    }
}
