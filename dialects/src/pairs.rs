//! Writes a JSON object key by key, leaving out what is absent.

use std::fmt;

use serde::Serialize;

use crate::json::text_of;

/// The pairs of an object, in the order in which they were added.
#[derive(Debug, Default)]
pub struct JsonPairs(String);

impl JsonPairs {
    /// Adds a text, if there is one.
    pub fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.raw(key, &text_of(text));
        }
    }

    /// Adds a number, if there is one and JSON can represent it.
    pub fn number<N: Serialize + fmt::Display + Copy>(&mut self, key: &str, number: Option<N>) {
        if let Some(number) = number.filter(|number| !matches!(number.to_string().as_str(), "NaN" | "inf" | "-inf")) {
            self.raw(key, &text_of(&number));
        }
    }

    /// Adds a value that is JSON text already.
    pub fn raw(&mut self, key: &str, json: &str) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.extend([&text_of(key), ":", json]);
    }

    /// The object.
    pub fn object(self) -> String {
        format!("{{{}}}", self.0)
    }
}
