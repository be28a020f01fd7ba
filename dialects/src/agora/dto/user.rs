//! Users and their tokens (agora.md 10.1, 10.2).

use serde::{Deserialize, Serialize};

use crate::{flag::Flag, json::Label, number::Integer};

/// agora.md 10.2.
#[derive(Serialize)]
pub struct User<'a> {
    pub uuid: &'a str,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub created: i64,
    pub modified: i64,
    pub username: String,
    pub activated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification_display_style: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification_no_disturbing: Option<bool>,
    /// Hours are text, as in the newest edition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification_no_disturbing_start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification_no_disturbing_end: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notifier_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_token: Option<&'a str>,
}

#[derive(Serialize)]
pub struct RegisterFailure<'a> {
    pub username: &'a str,
    #[serde(rename = "registerUserFailReason")]
    pub reason: String,
}

#[derive(Deserialize)]
pub struct NewUser {
    pub username: Option<String>,
    pub password: Option<String>,
    pub nickname: Option<String>,
}

/// agora.md 10.1.
#[derive(Deserialize)]
pub struct TokenRequest<'a> {
    pub grant_type: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<String>,
    #[serde(borrow)]
    pub username: Option<Label<'a>>,
    pub password: Option<String>,
    #[serde(rename = "autoCreateUser")]
    pub auto_create_user: Option<Flag>,
    pub ttl: Option<Integer>,
}

#[derive(Serialize)]
pub struct ExchangedToken<'a> {
    pub access_token: &'a str,
    pub expire_timestamp: i64,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the vendor's names")]
pub struct Token<'a> {
    pub access_token: &'a str,
    pub expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<User<'a>>,
}
