//! Booleans that real clients write as booleans, as 0 and 1, or as words.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;
use tidings_domain::{FLAG_RULE, flag};

/// A boolean of a request body: a JSON boolean, or anything that [`flag`] parses. Other values are refused, so that
/// nothing is mistaken for false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag(pub bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let read = if raw.starts_with('"') {
            serde_json::from_str::<String>(raw).ok().and_then(|text| flag(&text))
        } else if matches!(raw, "true" | "false" | "1" | "0") {
            flag(raw)
        } else {
            None
        };
        read.map(Self).ok_or_else(|| D::Error::custom(FLAG_RULE))
    }
}

impl Flag {
    /// For a field that may be absent.
    pub fn bool(self) -> bool {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boolean_may_be_a_number_or_a_word_decision_39() {
        for yes in ["true", "1", r#""true""#, r#""1""#, r#""YES""#, r#""\u006fn""#] {
            assert_eq!(serde_json::from_str::<Flag>(yes).unwrap(), Flag(true), "{yes}");
        }
        for no in ["false", "0", r#""false""#, r#""0""#, r#""No""#, r#""off""#] {
            assert_eq!(serde_json::from_str::<Flag>(no).unwrap(), Flag(false), "{no}");
        }
        for neither in ["2", "1.0", "[]", "{}", "null", r#""""#, r#""maybe""#, "[true]"] {
            assert!(serde_json::from_str::<Flag>(neither).is_err(), "{neither}");
        }
    }
}
