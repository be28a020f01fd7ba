//! JSON kept as text, token for token.

use std::fmt;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// A valid JSON value without white space between its tokens; digits and escapes are as they were written
/// (decision 11).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JsonText(Box<str>);

impl JsonText {
    /// Takes any JSON text.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<IgnoredAny>(text)?;
        Ok(Self(minified(text)))
    }

    /// Takes a value that serde_json has already found to be valid.
    pub fn from_raw(raw: &RawValue) -> Self {
        Self(minified(raw.get()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.0.starts_with('{')
    }
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
    fn what_is_not_json_is_refused() {
        assert!(JsonText::parse("{\"a\":}").is_err());
    }
}
