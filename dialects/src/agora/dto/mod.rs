//! The wire names of the Agora dialect. Fields are documented in agora.md.

mod callback;
mod contact;
mod group;
mod msync;
mod msync_notice;
mod people;
mod reaction;
mod reading;
mod realtime;
mod sharing;
mod thread;

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::value::RawValue;

use crate::{
    flag::Flag,
    json::{Label, Object, Objects, OneOrMany, TextMap, is_empty_array},
    number::{Decimal, Integer, Number, or_blank},
};

pub use callback::*;
pub use contact::*;
pub use group::*;
pub use msync::*;
pub use msync_notice::*;
pub use people::*;
pub use reaction::*;
pub use reading::*;
pub use realtime::*;
pub use sharing::*;
pub use thread::*;

/// Distinguishes `null` from absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// An object, absent, `null` or the empty array that PHP writes for an object without keys.
fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    if raw.get() == "null" || is_empty_array(raw) {
        return Ok(None);
    }
    serde_json::from_str(raw.get()).map(|Object(value)| Some(value)).map_err(D::Error::custom)
}

/// agora.md 2.1, with `msg` of 2.5.
#[derive(Deserialize)]
pub struct Send<'a> {
    #[serde(borrow)]
    pub from: Option<Label<'a>>,
    #[serde(borrow)]
    pub to: Option<OneOrMany<'a>>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    #[serde(borrow)]
    pub body: Option<&'a RawValue>,
    #[serde(borrow)]
    pub msg: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub ext: Option<&'a RawValue>,
    pub sync_device: Option<Flag>,
    pub routetype: Option<String>,
    pub need_group_ack: Option<Flag>,
    pub chatroom_msg_level: Option<String>,
    #[serde(borrow)]
    pub roam_ignore_users: Option<OneOrMany<'a>>,
    /// agora.md 2.6
    #[serde(borrow)]
    pub users: Option<OneOrMany<'a>>,
}

/// The only meaningful value of `routetype`.
pub const ROUTE_ONLINE: &str = "ROUTE_ONLINE";

/// agora.md 2.5: the target is in the body, and `to` is called `target`.
#[derive(Deserialize)]
pub struct LegacySend<'a> {
    pub target_type: Option<String>,
    #[serde(borrow)]
    pub target: Option<OneOrMany<'a>>,
}

/// agora.md 2.7
#[derive(Deserialize)]
pub struct Broadcast<'a> {
    pub target_type: Option<String>,
    #[serde(borrow)]
    pub from: Option<Label<'a>>,
    #[serde(borrow)]
    pub msg: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub ext: Option<&'a RawValue>,
    pub chatroom_msg_level: Option<String>,
}

#[derive(Serialize)]
pub struct BroadcastId {
    pub id: i64,
}

/// agora.md 5
#[derive(Deserialize)]
pub struct Recall<'a> {
    #[serde(borrow)]
    pub msg_id: Option<Label<'a>>,
    #[serde(borrow)]
    pub to: Option<Label<'a>>,
    pub chat_type: Option<String>,
    #[serde(borrow)]
    pub from: Option<Label<'a>>,
    pub force: Option<Flag>,
    pub sync_device: Option<Flag>,
    #[serde(rename = "recallMessageExtensionInfo")]
    pub info: Option<String>,
}

#[derive(Deserialize)]
pub struct Recalls<'a> {
    #[serde(borrow, default)]
    pub msgs: Objects<Recall<'a>>,
    #[serde(rename = "recallMessageExtensionInfo")]
    pub info: Option<String>,
}

/// `chattype`, unlike `chat_type` in the request.
#[derive(Serialize)]
pub struct Recalled<'a> {
    pub recalled: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chattype: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<&'a str>,
    pub msg_id: &'a str,
}

#[derive(Serialize)]
pub struct RecallWords<'a> {
    pub msgs: Vec<RecallWord<'a>>,
}

#[derive(Serialize)]
pub struct RecallWord<'a> {
    pub msg_id: &'a str,
    pub recalled: &'a str,
}

/// agora.md 6
#[derive(Deserialize)]
pub struct DeleteChannel<'a> {
    #[serde(borrow)]
    pub channel: Option<Label<'a>>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub delete_roam: Option<Flag>,
}

#[derive(Serialize)]
pub struct Done {
    pub result: &'static str,
}

/// agora.md 6.1: no envelope.
#[derive(Serialize)]
pub struct Status {
    #[serde(rename = "requestStatusCode")]
    pub status: &'static str,
    pub timestamp: i64,
}

/// agora.md 7
#[derive(Deserialize)]
pub struct Import<'a> {
    #[serde(borrow)]
    pub target: Option<Label<'a>>,
    pub is_ack_read: Option<Flag>,
    #[serde(default, deserialize_with = "or_blank")]
    pub msg_timestamp: Option<Integer>,
    pub need_download: Option<Flag>,
}

/// One message as in exports and histories (agora.md 4).
#[derive(Serialize)]
pub struct Record<'a> {
    pub msg_id: String,
    pub timestamp: i64,
    pub direction: &'a str,
    pub from: &'a str,
    pub to: &'a str,
    pub chat_type: &'a str,
    pub payload: Payload<'a>,
    /// From here on only in histories.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited: Option<i64>,
}

#[derive(Serialize)]
pub struct Payload<'a> {
    pub bodies: [&'a RawValue; 1],
    pub ext: &'a RawValue,
    pub from: &'a str,
    pub to: &'a str,
}

/// An event of the event feed. Ours.
#[derive(Serialize)]
pub struct Happened<'a> {
    pub id: &'a str,
    pub kind: &'a str,
    pub timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<&'a str>,
    pub operator: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Changed<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reaction: Option<EventReaction<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<&'a str>,
}

/// What changed, in an event of the event feed. Ours.
#[derive(Serialize, Default)]
pub struct Changed<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_group_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub former_owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub how: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted: Option<MutedUntil>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statuses: Option<BTreeMap<&'a str, &'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ext: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_time: Option<i64>,
}

/// Until when a user may not send, by `chat_type`.
#[derive(Serialize)]
pub struct MutedUntil {
    pub chat: i64,
    pub groupchat: i64,
    pub chatroom: i64,
}

/// A conversation in a user's list.
#[derive(Serialize)]
pub struct Channel<'a> {
    pub channel: &'a str,
    #[serde(rename = "type")]
    pub kind: &'a str,
    pub unread_num: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_msg_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_message: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
pub struct ReadAck<'a> {
    #[serde(borrow)]
    pub channel: Option<Label<'a>>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    #[serde(borrow)]
    pub msg_id: Option<Label<'a>>,
}

#[derive(Serialize)]
pub struct ReadUpTo {
    pub result: &'static str,
    pub msg_id: String,
}

/// The keys of bodies that exports write differently than they were sent.
pub const LAT: &str = "lat";
pub const LNG: &str = "lng";
pub const URL: &str = "url";
pub const SECRET: &str = "secret";
pub const FILE_LENGTH: &str = "file_length";
pub const MSG: &str = "msg";
pub const FILENAME: &str = "filename";
pub const SIZE: &str = "size";
pub const THUMB: &str = "thumb";
pub const THUMBNAIL: &str = "thumbnail";
pub const THUMB_SECRET: &str = "thumb_secret";
pub const CUSTOM_EXTS: &str = "customExts";
pub const CUSTOM_EXTS_V2: &str = "v2:customExts";

#[derive(Serialize)]
pub struct Imported {
    pub msg_id: String,
}

/// agora.md 10.6
#[derive(Deserialize)]
pub struct Rewrite<'a> {
    #[serde(borrow)]
    pub user: Option<Label<'a>>,
    #[serde(borrow)]
    pub new_msg: Option<&'a RawValue>,
    #[serde(borrow)]
    pub new_ext: Option<&'a RawValue>,
    pub is_combine_ext: Option<Flag>,
}

/// The key that `msg` has in addition to a `body`.
pub const KIND: &str = "type";

#[derive(Deserialize)]
pub struct Kind {
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub struct Text<'a> {
    pub msg: Cow<'a, str>,
}

/// The bodies of img, audio, video and file; the order is the one of the vendor's samples.
#[derive(Serialize, Deserialize, Default)]
pub struct Media<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumb: Option<Cow<'a, str>>,
    /// The seed's name for `thumb`.
    #[serde(skip_serializing)]
    pub thumbnail: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumb_secret: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_length: Option<Integer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Cow<'a, str>>,
    pub url: Option<Cow<'a, str>>,
    /// What the vendor's server SDK sends with `secret` instead of a `url`.
    #[serde(skip_serializing)]
    pub uuid: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
}

#[derive(Serialize, Deserialize)]
pub struct Size {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<Number>,
}

#[derive(Deserialize)]
pub struct LocationIn {
    pub lat: Decimal,
    pub lng: Decimal,
    pub addr: String,
}

#[derive(Serialize)]
pub struct LocationOut<'a> {
    pub lat: &'a str,
    pub lng: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addr: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
pub struct Command<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub param: Option<&'a RawValue>,
}

#[derive(Serialize, Deserialize)]
pub struct Custom<'a> {
    #[serde(rename = "customEvent", skip_serializing_if = "Option::is_none")]
    pub event: Option<Cow<'a, str>>,
    #[serde(rename = "customExts", skip_serializing_if = "Option::is_none")]
    pub exts: Option<TextMap<'a>>,
}

/// The names of a forward's two texts, shown as a custom message's exts.
pub const FORWARD: &str = "forward";
pub const FORWARD_TEXT: &str = "text";
pub const FORWARD_ATTACHMENT: &str = "attachment";

/// The form of an ext that is not an object (decision 11).
#[derive(Serialize)]
pub struct WrappedExt<'a> {
    pub ext: &'a str,
}

/// agora.md 1.5.
#[derive(Serialize)]
pub struct Envelope<'a, D: Serialize> {
    pub path: &'a str,
    pub uri: &'a str,
    pub timestamp: i64,
    pub organization: &'a str,
    pub application: &'a str,
    pub action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<Params<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entities: Option<Entities<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<D>,
    pub duration: i64,
    #[serde(rename = "applicationName")]
    pub application_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<Properties<'a>>,
}

/// Of lists of threads (agora.md 10.5).
#[derive(Serialize)]
pub struct Properties<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<&'a str>,
}

impl<'a> Properties<'a> {
    /// Where the next page starts; empty: there is none.
    pub fn of(cursor: &'a str) -> Self {
        Self { cursor: Some(cursor).filter(|cursor| !cursor.is_empty()) }
    }
}

/// agora.md 1.5: an array of the objects of the call.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Entities<'a> {
    Users(Vec<User<'a>>),
    Files([ChatFile<'a>; 1]),
    Groups(Vec<JoinedEntity<'a>>),
    Contacts(Vec<ContactRemark>),
    Threads(Vec<Thread<'a>>),
    ThreadMembers(Vec<ThreadMember<'a>>),
    ThreadMessages(Vec<ThreadMessage>),
}

impl Entities<'_> {
    /// An empty array.
    pub const NONE: Self = Self::Users(Vec::new());
}

/// agora.md 3.1
#[derive(Default, Serialize)]
pub struct ChatFile<'a> {
    pub uuid: &'a str,
    #[serde(rename = "type")]
    pub kind: &'static str,
    #[serde(rename = "share-secret")]
    pub share_secret: &'a str,
}

/// The query of a list, each value as an array of texts.
#[derive(Serialize, Default)]
pub struct Params<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pagenum: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pagesize: Option<[&'a str; 1]>,
}

/// agora.md 4, which has no `path`.
#[derive(Serialize)]
pub struct Exported<'a> {
    pub action: &'a str,
    pub application: &'a str,
    pub uri: &'a str,
    pub data: Vec<ExportLink<'a>>,
    pub timestamp: i64,
    pub duration: i64,
    pub organization: &'a str,
    #[serde(rename = "applicationName")]
    pub application_name: &'a str,
}

#[derive(Serialize)]
pub struct ExportLink<'a> {
    pub url: &'a str,
}

/// Ours; also what is verified offline.
#[derive(Debug, Serialize, Deserialize)]
pub struct Manifest {
    pub time: String,
    pub hour_start: i64,
    pub parts: Vec<ManifestPart>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ManifestPart {
    pub part: i32,
    pub file: String,
    pub seq: i64,
    pub messages: i64,
    pub bytes: i64,
    pub first_msg_id: String,
    pub last_msg_id: String,
    pub sha256: String,
    pub previous: String,
    pub digest: String,
    pub sealed_at: i64,
}

/// The part of a manifest's envelope that is verified.
#[derive(Deserialize)]
pub struct ManifestEnvelope {
    pub application: String,
    pub data: Manifest,
}

/// agora.md 1.6.
#[derive(Serialize)]
pub struct ErrorEnvelope<'a> {
    pub error: &'a str,
    pub exception: &'a str,
    pub timestamp: i64,
    pub duration: i64,
    pub error_description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<i32>,
}

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

/// agora.md 3.4.
#[derive(Deserialize)]
pub struct SetLifetime {
    pub lifetime: Option<String>,
    pub chatfile_ids: Option<Vec<String>>,
}

#[derive(Serialize)]
pub struct LifetimesSet<'a> {
    pub success: &'a [&'a str],
    pub failed: &'a [&'a str],
}
