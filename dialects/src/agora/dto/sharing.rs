//! Shared files, attributes, super admins and invitations (agora.md 10.3, 10.4).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    flag::Flag,
    json::{Label, OneOrMany, TextMap},
};

#[derive(Serialize)]
pub struct FileShared<'a> {
    pub file_url: &'a str,
    pub group_id: String,
    pub file_name: &'a str,
    pub created: i64,
    pub file_size: i64,
    pub file_id: &'a str,
}

#[derive(Serialize)]
pub struct SharedFile<'a> {
    pub file_id: &'a str,
    pub file_name: &'a str,
    pub file_owner: String,
    pub file_size: i64,
    pub created: i64,
}

#[derive(Serialize)]
pub struct FileUnshared<'a> {
    pub group_id: String,
    pub file_id: &'a str,
    pub result: bool,
}

/// `metadata` is the key of the call for many members.
#[derive(Deserialize)]
pub struct SetAttributes<'a> {
    #[serde(rename = "metaData", alias = "metadata", borrow)]
    pub meta_data: Option<&'a RawValue>,
    #[serde(rename = "autoDelete")]
    pub auto_delete: Option<String>,
}

#[derive(Deserialize)]
pub struct MembersOf<'a> {
    #[serde(borrow)]
    pub targets: Option<OneOrMany<'a>>,
    #[serde(borrow)]
    pub properties: Option<OneOrMany<'a>>,
}

#[derive(Deserialize)]
pub struct Keys<'a> {
    #[serde(borrow)]
    pub keys: Option<OneOrMany<'a>>,
}

#[derive(Serialize)]
pub struct KeysChanged<'a> {
    #[serde(rename = "successKeys")]
    pub success: Vec<&'a str>,
    #[serde(rename = "errorKeys")]
    pub errors: TextMap<'static>,
}

/// By user.
pub type AttributesOfMembers<'a> = BTreeMap<String, TextMap<'a>>;

#[derive(Deserialize)]
pub struct NewSuperAdmin<'a> {
    #[serde(borrow)]
    pub superadmin: Option<Label<'a>>,
}

#[derive(Serialize)]
pub struct SuperAdminAdded {
    pub result: &'static str,
    pub resource: &'static str,
}

#[derive(Serialize)]
pub struct SuperAdminRemoved<'a> {
    /// The vendor's name for the one who is none any more.
    #[serde(rename = "newSuperAdmin")]
    pub removed: &'a str,
    pub resource: &'static str,
}

/// An invitation, or an answer to one or to an application, of one user.
#[derive(Serialize)]
pub struct JoinStep<'a> {
    pub result: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub action: &'static str,
    pub user: &'a str,
    pub id: String,
}

/// `applicant` or `invitee` is whom it is about.
#[derive(Deserialize)]
pub struct Verify<'a> {
    #[serde(borrow)]
    pub applicant: Option<Label<'a>>,
    #[serde(borrow)]
    pub invitee: Option<Label<'a>>,
    #[serde(rename = "verifyResult")]
    pub verify_result: Option<Flag>,
}
