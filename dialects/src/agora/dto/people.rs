//! Push settings, mutes, attributes, status and presence of users (agora.md 10.2).

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use crate::{
    flag::Flag,
    json::{Label, OneOrMany, TextMap},
    number::{Integer, or_blank},
};

/// `PUT /users/{u}`
#[derive(Deserialize, Default)]
pub struct UserUpdate {
    pub nickname: Option<String>,
    #[serde(default, deserialize_with = "or_blank")]
    pub notification_display_style: Option<Integer>,
    pub notification_no_disturbing: Option<Flag>,
    #[serde(default, deserialize_with = "or_blank")]
    pub notification_no_disturbing_start: Option<Integer>,
    #[serde(default, deserialize_with = "or_blank")]
    pub notification_no_disturbing_end: Option<Integer>,
    pub notifier_name: Option<String>,
    pub device_token: Option<String>,
}

#[derive(Deserialize, Default)]
pub struct NewPassword {
    pub newpassword: Option<String>,
    #[serde(alias = "old_password")]
    pub oldpassword: Option<String>,
}

/// An answer that has only these keys.
#[derive(Serialize)]
pub struct ActionDone {
    pub action: &'static str,
    pub timestamp: i64,
    pub duration: i64,
}

/// Whether it was done, as a boolean.
#[derive(Serialize)]
pub struct ResultFlag {
    pub result: bool,
}

#[derive(Serialize)]
pub struct Resource<'a> {
    pub res: &'a str,
    pub device_uuid: &'a str,
    pub device_name: &'a str,
}

#[derive(Serialize)]
pub struct TokenExpiry {
    pub expire_timestamp: i64,
}

#[derive(Deserialize, Default)]
pub struct Mute<'a> {
    #[serde(borrow)]
    pub username: Option<Label<'a>>,
    #[serde(default, deserialize_with = "or_blank")]
    pub chat: Option<Integer>,
    #[serde(default, deserialize_with = "or_blank")]
    pub groupchat: Option<Integer>,
    #[serde(default, deserialize_with = "or_blank")]
    pub chatroom: Option<Integer>,
}

#[derive(Serialize)]
pub struct MutesOf<'a> {
    pub userid: &'a str,
    pub chat: i64,
    pub groupchat: i64,
    pub chatroom: i64,
    pub unixtime: i64,
}

#[derive(Serialize)]
pub struct Mutes<'a> {
    pub data: Vec<MuteOfKind<'a>>,
    pub unixtime: i64,
}

/// One kind an entry.
#[derive(Serialize, Default)]
pub struct MuteOfKind<'a> {
    pub username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groupchat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chatroom: Option<i64>,
}

impl MuteOfKind<'_> {
    /// Whether there is a kind.
    pub fn is_muted(&self) -> bool {
        self.chat.or(self.groupchat).or(self.chatroom).is_some()
    }
}

#[derive(Deserialize, Default)]
pub struct GetAttributes<'a> {
    #[serde(borrow)]
    pub targets: Option<OneOrMany<'a>>,
    #[serde(borrow)]
    pub properties: Option<OneOrMany<'a>>,
}

#[derive(Deserialize, Default)]
pub struct PresenceOf<'a> {
    #[serde(borrow, alias = "users")]
    pub usernames: Option<OneOrMany<'a>>,
}

#[derive(Deserialize, Default)]
pub struct PresenceExt<'a> {
    #[serde(borrow)]
    pub ext: Option<Cow<'a, str>>,
}

/// `PUT /users/{u}/notification/...`
#[derive(Deserialize, Default)]
pub struct SetNotification<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "ignoreInterval")]
    pub ignore_interval: Option<Cow<'a, str>>,
    #[serde(default, rename = "ignoreDuration", deserialize_with = "or_blank")]
    pub ignore_duration: Option<Integer>,
}

/// `PUT /users/{u}/notification/language`
#[derive(Deserialize, Default)]
pub struct SetLanguage<'a> {
    #[serde(borrow, rename = "translationLanguage")]
    pub translation_language: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
pub struct Notification<'a> {
    #[serde(rename = "type")]
    pub kind: &'static str,
    #[serde(rename = "ignoreInterval", skip_serializing_if = "Option::is_none")]
    pub ignore_interval: Option<&'a str>,
    /// The moment at which it ends.
    #[serde(rename = "ignoreDuration", skip_serializing_if = "Option::is_none")]
    pub ignore_duration: Option<i64>,
}

#[derive(Serialize)]
pub struct Notifications<'a> {
    pub user: BTreeMap<&'a str, Notification<'a>>,
    pub group: BTreeMap<&'a str, Notification<'a>>,
}

#[derive(Serialize)]
pub struct Language<'a> {
    pub language: &'a str,
}

#[derive(Serialize)]
pub struct NotificationModeOf {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    pub value: &'static str,
}

/// The answers of the presence calls, which have no envelope.
#[derive(Serialize)]
pub struct PresenceResult<T> {
    pub result: T,
}

/// Times are seconds in text.
#[derive(Serialize)]
pub struct Presence<'a> {
    pub uid: &'a str,
    pub last_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry: Option<String>,
    pub ext: &'a str,
    pub status: TextMap<'a>,
}

#[derive(Serialize)]
pub struct Subscriptions {
    pub totalnum: String,
    pub sublist: Vec<Subscription>,
}

#[derive(Serialize)]
pub struct Subscription {
    pub uid: String,
    pub expiry: String,
}

/// Attributes of several users, by their names as the request has them.
pub type AttributesByUser<'a> = BTreeMap<&'a str, TextMap<'a>>;
