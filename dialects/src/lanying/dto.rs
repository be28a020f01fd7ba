//! The wire names of the Lanying dialect. Fields are documented in lanying.md.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    flag::Flag,
    number::{Decimal, Integer, Number},
};

/// A value of another type counts as absent: an attachment is the client's own text.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// lanying.md 5.6.
#[derive(Deserialize)]
pub struct Send {
    #[serde(rename = "type")]
    pub kind: Option<Integer>,
    pub targets: Option<Vec<Integer>>,
    pub content_type: Option<Integer>,
    pub content: Option<String>,
    pub attachment: Option<String>,
    pub config: Option<String>,
    pub ext: Option<String>,
    pub from_user_id: Option<Integer>,
    pub transaction_id: Option<Integer>,
    pub online_only: Option<Flag>,
    pub related_mid: Option<Integer>,
}

/// The media keys of an attachment (lanying.md 4). `secret` is ours: other keys are ignored by the vendor's clients,
/// and without it a restricted file could not be fetched.
#[derive(Serialize, Deserialize, Default)]
pub struct Media<'a> {
    #[serde(default, deserialize_with = "lenient")]
    pub url: Option<Cow<'a, str>>,
    #[serde(rename = "dName", default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'a, str>>,
    #[serde(rename = "fLen", default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub size: Option<Integer>,
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub duration: Option<Number>,
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub width: Option<Number>,
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub height: Option<Number>,
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub secret: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub struct LocationIn {
    #[serde(default, deserialize_with = "lenient")]
    pub lat: Option<Decimal>,
    #[serde(default, deserialize_with = "lenient")]
    pub lon: Option<Decimal>,
    #[serde(default, deserialize_with = "lenient")]
    pub addr: Option<String>,
}

#[derive(Serialize)]
pub struct LocationOut<'a> {
    pub lat: &'a RawValue,
    pub lon: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addr: Option<&'a str>,
}

/// An ext that Agora wrote for text (decision 11).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrappedExt {
    pub ext: String,
}

/// What a message must get back verbatim.
#[derive(Serialize, Deserialize)]
pub struct Verbatim<'a> {
    pub content: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachment: Option<Cow<'a, str>>,
}

/// lanying.md 2.
#[derive(Serialize)]
pub struct Envelope<'a, D: Serialize> {
    pub code: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<D>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg_ids: Option<[i64; 1]>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub page: Option<PageEnd>,
}

/// What accompanies the `data` of a list with pages (lanying.md 2).
#[derive(Serialize)]
pub struct PageEnd {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
    pub version: i64,
}

#[derive(Serialize)]
pub struct Xid {
    pub uid: i64,
    pub device_sn: i32,
}

/// lanying.md 4.
#[derive(Serialize)]
pub struct Message<'a> {
    pub msg_id: i64,
    pub from_xid: Xid,
    pub to_xid: Xid,
    pub ctype: &'static str,
    pub status: &'static str,
    pub timestamp: i64,
    pub content: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachment: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ext: Option<Cow<'a, str>>,
}

/// lanying.md 8: the only place with names in camel case.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Callback<'a> {
    pub app_id: &'a str,
    pub msg_id: i64,
    pub from: UidText,
    pub to: UidText,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub ctype: &'static str,
    pub content: Cow<'a, str>,
    /// Always present: receivers read it without a default.
    pub ext: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachment: Option<Cow<'a, str>>,
    pub timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub related_mid: Option<i64>,
}

/// Digits as a text, unlike everywhere else: receivers compare texts with texts (decision 43).
#[derive(Serialize)]
pub struct UidText {
    pub uid: String,
}

/// lanying.md 5.2.
#[derive(Serialize)]
pub struct History<'a> {
    pub is_last: bool,
    pub messages: Vec<Message<'a>>,
    pub next_msg_id: i64,
}

/// lanying.md 5.7.
#[derive(Serialize)]
pub struct Unread {
    pub conversation_id: UnreadId,
    pub num: i64,
}

#[derive(Serialize)]
pub struct UnreadId {
    pub uid: i64,
}

/// lanying.md 10.
#[derive(Deserialize)]
pub struct Register {
    pub username: Option<String>,
    pub password: Option<String>,
}

#[derive(Serialize)]
pub struct UserSettings {
    pub user_id: i64,
    pub auto_download: bool,
    pub group_confirm: bool,
    pub no_sounds: bool,
    pub no_push: bool,
    pub vibratory: bool,
    pub no_push_detail: bool,
    pub auth_mode: i32,
    pub no_push_start_hour: i32,
    pub no_push_end_hour: i32,
}

/// lanying.md 1, `/token/id`.
#[derive(Deserialize)]
pub struct TokenById {
    pub user_id: Option<Integer>,
    pub password: Option<String>,
    pub device_guid: Option<String>,
}

/// lanying.md 1, `/token/user`.
#[derive(Deserialize)]
pub struct TokenByName {
    #[serde(alias = "mobile")]
    pub name: Option<String>,
    pub password: Option<String>,
    pub device_guid: Option<String>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the vendor's names")]
pub struct Token<'a> {
    pub user_id: i64,
    pub token: &'a str,
    pub expire: i64,
    pub store_token: bool,
    pub access_key_secret: &'static str,
    pub public_key: &'static str,
    pub encrypt_type: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_token: Option<&'static str>,
}

/// lanying.md 10, `/token/login`.
#[derive(Deserialize)]
pub struct TokenByLogin {
    pub login_name: Option<String>,
    pub password: Option<String>,
    pub device_guid: Option<String>,
}

/// lanying.md 10, `/file/upload/chat`.
#[derive(Serialize)]
pub struct FileTicket<'a> {
    pub upload_url: &'a str,
    pub download_url: &'a str,
    pub upload_method: &'a str,
    pub oss_body_param: OssFields<'a>,
}

#[derive(Serialize)]
pub struct OssFields<'a> {
    #[serde(rename = "OSSAccessKeyId")]
    pub access_key: &'a str,
    pub policy: &'a str,
    pub signature: &'a str,
    pub callback: &'a str,
    pub key: &'a str,
}

/// Ours: an upload permission.
#[derive(Serialize, Deserialize)]
pub struct FilePolicy<'a> {
    pub app_id: &'a str,
    pub key: &'a str,
    /// Absent from permissions signed before there were owners.
    #[serde(default)]
    pub user_id: i64,
    pub expires: i64,
}
