//! Receivers' answers (tencent.md 1, 6).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{lenient, or_default};
use crate::number::Integer;

/// A receiver's answer (tencent.md 1, 6); no key is required.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Answer<'a> {
    #[serde(default, deserialize_with = "lenient")]
    pub action_status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub error_code: Option<Integer>,
    #[serde(default, deserialize_with = "or_default")]
    pub error_info: String,
    #[serde(borrow, default)]
    pub msg_body: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "or_default")]
    pub cloud_custom_data: String,
}

/// A receiver's answer about a change (tencent.md 6). Unlike [`Answer`], the keys that decide must be there and of their
/// type.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ChangeAnswer {
    pub action_status: ActionStatus,
    pub error_code: i64,
    pub error_info: Option<String>,
    #[serde(rename = "RefusedMembers_Account")]
    pub refused_members: Option<Vec<String>>,
    pub result_item: Option<Vec<ResultItem>>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
pub enum ActionStatus {
    Ok,
    Fail,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResultItem {
    #[serde(rename = "To_Account")]
    pub to: String,
    pub result_code: i64,
    pub result_info: Option<String>,
}
