//! Parameters of the neighbouring calls (lanying.md 10).
//!
//! The vendor's clients send them as a query, as a JSON body, or as a query with an empty object for a body; so both
//! are parsed, and the body takes precedence. The names of the parameters are in `other_params`.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tidings_domain::{FLAG_RULE, flag};

use super::{Refusal, refusal::decode};
use crate::{flag::Flag, number::Integer};

/// Maximum number of users per call.
const MAX_LIST: usize = 600;

/// The given parameters, by name. An empty text and null are absent.
#[derive(Debug)]
pub struct Params {
    query: HashMap<String, String>,
    body: HashMap<String, Box<RawValue>>,
}

impl Params {
    /// Parses query and body; a body must be a JSON object if there is one.
    pub fn read(query: &str, body: &[u8]) -> Result<Self, Refusal> {
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().filter(|(_, value)| !value.is_empty());
        let body = if body.trim_ascii().is_empty() { HashMap::new() } else { decode(body)? };
        Ok(Self { query: query.collect(), body })
    }

    /// A whole number.
    pub(super) fn int(&self, name: &str) -> Result<Option<i64>, Refusal> {
        if let Some(value) = self.in_body(name) {
            let Integer(number) = typed(name, value, "must be a whole number")?;
            return Ok(Some(number));
        }
        let number = self.query.get(name).map(|text| text.parse());
        number.transpose().map_err(|_| Refusal::bad_parameter(name, "must be a whole number"))
    }

    /// A required id; 0 is absent, since typed clients write it for omitted fields.
    pub(super) fn id(&self, name: &str) -> Result<i64, Refusal> {
        self.maybe_id(name)?.ok_or_else(|| Refusal::bad_parameter(name, "is required"))
    }

    /// An id; 0 is absent.
    pub(super) fn maybe_id(&self, name: &str) -> Result<Option<i64>, Refusal> {
        match self.int(name)? {
            Some(id) if id < 0 => Err(Refusal::bad_parameter(name, "must not be negative")),
            id => Ok(id.filter(|id| *id != 0)),
        }
    }

    /// A number from 0 up to `most`; larger ones are `most`.
    pub(super) fn count(&self, name: &str, otherwise: i64, most: i64) -> Result<i64, Refusal> {
        match self.int(name)? {
            Some(count) if count < 0 => Err(Refusal::bad_parameter(name, "must not be negative")),
            Some(count) if count > 0 => Ok(count.min(most)),
            _ => Ok(otherwise),
        }
    }

    /// Ids, at least one; duplicates are removed.
    pub(super) fn ids(&self, name: &str) -> Result<Vec<i64>, Refusal> {
        let ids = self.maybe_ids(name)?;
        if ids.is_empty() {
            return Err(Refusal::bad_parameter(name, "must not be empty"));
        }
        Ok(ids)
    }

    /// Ids, or none.
    pub(super) fn maybe_ids(&self, name: &str) -> Result<Vec<i64>, Refusal> {
        let Some(value) = self.in_body(name) else {
            return Ok(self.int(name)?.into_iter().collect());
        };
        let ids: Vec<Integer> = typed(name, value, "must be a list of ids")?;
        if ids.len() > MAX_LIST {
            return Err(Refusal::bad_parameter(name, format!("must not have more than {MAX_LIST} ids")));
        }
        if ids.iter().any(|id| id.0 <= 0) {
            return Err(Refusal::bad_parameter(name, "must be ids"));
        }
        Ok(ids.into_iter().map(|id| id.0).collect())
    }

    /// A text as given, empty or not.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        if let Some(value) = self.in_body(name) {
            return typed(name, value, "must be a text").map(Some);
        }
        Ok(self.query.get(name).cloned())
    }

    /// A required text that must not be empty.
    pub(super) fn required_text(&self, name: &str) -> Result<String, Refusal> {
        let text = self.text(name)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| Refusal::bad_parameter(name, "is required"))
    }

    /// A required boolean.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        if let Some(value) = self.in_body(name) {
            return typed(name, value, FLAG_RULE).map(Flag::bool);
        }
        let text = self.query.get(name).ok_or_else(|| Refusal::bad_parameter(name, "is required"))?;
        flag(text).ok_or_else(|| Refusal::bad_parameter(name, FLAG_RULE))
    }

    /// The same, optional.
    pub(super) fn maybe_flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        if self.in_body(name).is_none() && !self.query.contains_key(name) {
            return Ok(None);
        }
        self.flag(name).map(Some)
    }

    /// Objects of the body, at least one and at most `most`.
    pub(super) fn list<T: DeserializeOwned>(&self, name: &str, most: usize) -> Result<Vec<T>, Refusal> {
        let value = self.in_body(name).ok_or_else(|| Refusal::bad_parameter(name, "is required"))?;
        let items: Vec<T> = typed(name, value, "must be a list of objects")?;
        if items.is_empty() || items.len() > most {
            return Err(Refusal::bad_parameter(name, format!("must have 1 to {most} items")));
        }
        Ok(items)
    }

    fn in_body(&self, name: &str) -> Option<&RawValue> {
        self.body.get(name).map(AsRef::as_ref).filter(|value| value.get() != "null")
    }
}

fn typed<T: DeserializeOwned>(name: &str, value: &RawValue, rule: &str) -> Result<T, Refusal> {
    serde_json::from_str(value.get()).map_err(|_| Refusal::bad_parameter(name, rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_wins_over_the_query_and_both_are_read_lanying_10() {
        let params = Params::read("group_id=17&name=a%20b", br#"{"group_id":"33","user_list":[16,"32"]}"#).unwrap();
        assert_eq!(params.id("group_id"), Ok(33));
        assert_eq!(params.ids("user_list"), Ok(vec![16, 32]));
        assert_eq!(params.text("name"), Ok(Some("a b".to_owned())));
        assert_eq!(Params::read("group_id=17", b" {} ").unwrap().id("group_id"), Ok(17));
        assert_eq!(Params::read("group_id=17", b"").unwrap().id("group_id"), Ok(17));
    }

    #[test]
    fn what_is_missing_or_of_a_wrong_type_is_10002() {
        let params = Params::read("x=y&flag=maybe", br#"{"user_list":{},"name":7,"n":null,"minus":-1}"#).unwrap();
        assert_eq!(params.id("group_id").unwrap_err().code, 10002);
        assert_eq!(params.int("x").unwrap_err().code, 10002);
        assert_eq!(params.ids("user_list").unwrap_err().code, 10002);
        assert_eq!(params.text("name").unwrap_err().code, 10002);
        assert_eq!(params.flag("flag").unwrap_err().code, 10002);
        assert_eq!(Params::read("flag=On", b"").unwrap().flag("flag"), Ok(true));
        assert_eq!(Params::read("", br#"{"flag":"0"}"#).unwrap().flag("flag"), Ok(false));
        assert_eq!(params.id("minus").unwrap_err().code, 10002);
        assert_eq!(params.text("n"), Ok(None));
        assert_eq!(Params::read("", b"[1]").unwrap_err().code, 10002);
    }
}
