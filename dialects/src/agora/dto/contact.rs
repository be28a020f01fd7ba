//! Contacts and block lists (agora.md 10.2).

use serde::{Deserialize, Serialize};

use super::Envelope;
use crate::json::OneOrMany;

/// A request to become contacts.
#[derive(Deserialize)]
pub struct ContactRequest<'a> {
    #[serde(borrow)]
    pub usernames: Option<OneOrMany<'a>>,
    pub reason: Option<String>,
}

#[derive(Deserialize)]
pub struct Remark {
    pub remark: Option<String>,
}

/// The entity of a list that is not paged.
#[derive(Serialize)]
pub struct ContactRemark {
    pub username: String,
    pub remark: String,
}

/// `data` of a page.
#[derive(Serialize)]
pub struct ContactPage<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<&'a str>,
    pub contacts: Vec<PagedContact>,
}

/// `remark` is null where there is none.
#[derive(Serialize)]
pub struct PagedContact {
    pub remark: Option<String>,
    pub username: String,
}

#[derive(Serialize)]
pub struct ImportedContacts<'a> {
    #[serde(rename = "UnKnowFailed")]
    pub unknown_failed: &'a [String],
    pub success: &'a [String],
    #[serde(rename = "NotExistFailed")]
    pub not_exist_failed: &'a [String],
    #[serde(rename = "maxLimitFailed")]
    pub max_limit_failed: &'a [String],
}

#[derive(Serialize)]
pub struct RequestedContacts<'a> {
    #[serde(rename = "applyContacts")]
    pub names: &'a [String],
}

/// An answer that says that it is one.
#[derive(Serialize)]
pub struct WithStatus<'a, D: Serialize> {
    #[serde(flatten)]
    pub envelope: Envelope<'a, D>,
    pub status: &'static str,
}
