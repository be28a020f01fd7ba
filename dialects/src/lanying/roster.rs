//! Contacts, which this dialect calls the roster (lanying.md 10).

#![expect(missing_docs, reason = "the vendor's names, described in lanying.md 10")]

use serde::{Deserialize, Serialize};

use super::{Params, Refusal};
use crate::{json::Object, number::Integer, reading::text};

/// Maximum number of users in one batch of requests.
const MAX_BATCH: usize = 100;

/// The receiver of the contact request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterApply {
    pub user_id: i64,
    pub reason: String,
    pub alias: String,
}

/// Changes of what a user notes about a contact; `None` if not given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterChange {
    pub user_id: i64,
    pub alias: Option<String>,
    pub ext: Option<String>,
    pub mute_notification: Option<bool>,
}

impl Params {
    /// A request to become contacts. `auth_answer` is ignored: there are no questions.
    pub fn roster_apply(&self) -> Result<RosterApply, Refusal> {
        self.text("auth_answer")?;
        Ok(RosterApply {
            user_id: self.id("user_id")?,
            reason: self.text("reason")?.unwrap_or_default(),
            alias: self.text("alias")?.unwrap_or_default(),
        })
    }

    /// A change of what the user notes about a contact.
    pub fn roster_change(&self) -> Result<RosterChange, Refusal> {
        Ok(RosterChange {
            user_id: self.id("user_id")?,
            alias: self.text("alias")?,
            ext: self.text("ext")?,
            mute_notification: self.maybe_flag("mute_notification")?,
        })
    }

    /// Users whose details are requested.
    pub fn roster_list(&self) -> Result<Vec<i64>, Refusal> {
        self.ids("list")
    }

    /// A user by name.
    pub fn username(&self) -> Result<String, Refusal> {
        self.required_text("username")
    }
}

#[derive(Deserialize)]
struct ApplyItem {
    user_id: Option<Integer>,
    reason: Option<String>,
    alias: Option<String>,
}

/// Parses the body of a batch of requests: an array of objects.
pub fn roster_applies(body: &[u8]) -> Result<Vec<RosterApply>, Refusal> {
    let rule = "must be an array of objects with user_id, reason and alias";
    let items: Vec<Object<ApplyItem>> = text(body)
        .ok()
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or_else(|| Refusal::bad_parameter("body", rule))?;
    if items.is_empty() || items.len() > MAX_BATCH {
        return Err(Refusal::bad_parameter("body", format!("must have 1 to {MAX_BATCH} items")));
    }
    let apply = |Object(item): Object<ApplyItem>| match item.user_id {
        Some(Integer(user_id)) if user_id > 0 => {
            Ok(RosterApply { user_id, reason: item.reason.unwrap_or_default(), alias: item.alias.unwrap_or_default() })
        }
        _ => Err(Refusal::bad_parameter("user_id", "is required")),
    };
    items.into_iter().map(apply).collect()
}

/// The answer to a batch of requests.
#[derive(Debug, Default, Serialize)]
pub struct RosterBatch {
    pub fails: Vec<RosterFailure>,
    pub success: Vec<i64>,
}

#[derive(Debug, Serialize)]
pub struct RosterFailure {
    pub reason: String,
    pub user_id: i64,
}

/// A request that waits; `status` 0.
#[derive(Debug, Serialize)]
pub struct RosterApplication<'a> {
    pub user_id: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub reason: &'a str,
    pub status: i32,
    pub expired_time: i64,
}

/// Another user, as the user of the call sees them; empty texts are left out. `relation`: 0 a contact, 2 a stranger, 3 on
/// the block list.
#[derive(Debug, Serialize)]
pub struct Roster<'a> {
    pub user_id: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub username: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub nick_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub avatar: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub public_info: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub alias: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub ext: &'a str,
    pub mute_notification: bool,
    pub relation: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_a_user_and_may_say_more_lanying_10() {
        let apply = |query: &str, body: &[u8]| Params::read(query, body).unwrap().roster_apply();
        let request = RosterApply { user_id: 16, reason: "hi".to_owned(), alias: "Bob".to_owned() };
        assert_eq!(apply("", br#"{"user_id":16,"reason":"hi","alias":"Bob","auth_answer":"x"}"#), Ok(request));
        assert_eq!(apply("user_id=16", b"{}").unwrap().user_id, 16);
        assert_eq!(apply("", b"{}").unwrap_err().message, "user_id is required");
        assert_eq!(apply("user_id=16", br#"{"alias":7}"#).unwrap_err().message, "alias must be a text");
    }

    #[test]
    fn a_batch_is_an_array_lanying_10() {
        let users = |body: &str| roster_applies(body.as_bytes()).map(|all| all.len());
        assert_eq!(users(r#"[{"user_id":16},{"user_id":"32","reason":"hi"}]"#), Ok(2));
        for bad in ["", "{}", "[]", "[1]", "[{}]", r#"[{"user_id":0}]"#, r#"[{"user_id":16,"alias":{}}]"#] {
            assert_eq!(users(bad).unwrap_err().code, 10002, "{bad}");
        }
    }

    #[test]
    fn a_change_names_only_what_changes_lanying_10() {
        let change = |query: &str, body: &[u8]| Params::read(query, body).unwrap().roster_change();
        let muted = change("", br#"{"user_id":16,"mute_notification":true}"#).unwrap();
        assert_eq!((muted.alias, muted.ext, muted.mute_notification), (None, None, Some(true)));
        assert_eq!(change("user_id=16&mute_notification=0", b"").unwrap().mute_notification, Some(false));
        assert_eq!(change("user_id=16", br#"{"mute_notification":7}"#).unwrap_err().code, 10002);
    }
}
