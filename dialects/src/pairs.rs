//! Writes a JSON object key by key, leaving out what is absent.

use crate::{json::text_of, number::Number};

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
    pub fn number(&mut self, key: &str, number: Option<impl Into<f64>>) {
        if let Some(number) = number.map(Into::into).filter(|number| number.is_finite()) {
            self.raw(key, &text_of(&Number(number)));
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
