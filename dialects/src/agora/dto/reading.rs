//! What clients read of their conversations (agora.md 12).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::present;
use crate::{
    flag::Flag,
    json::{Label, Objects, OneOrMany},
    number::{Integer, or_blank},
};

/// `start` may be -1, which is not a label.
#[derive(Deserialize)]
pub struct RoamingRequest<'a> {
    #[serde(borrow)]
    pub queue: Option<Label<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub start: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "or_blank")]
    pub pull_number: Option<Integer>,
    #[serde(default, deserialize_with = "or_blank")]
    pub is_positive: Option<Flag>,
    #[serde(borrow, rename = "msgType")]
    pub kinds: Option<OneOrMany<'a>>,
    #[serde(rename = "startTime", default, deserialize_with = "or_blank")]
    pub from: Option<Integer>,
    #[serde(rename = "endTime", default, deserialize_with = "or_blank")]
    pub until: Option<Integer>,
    #[serde(borrow, rename = "userId")]
    pub sender: Option<OneOrMany<'a>>,
    #[serde(borrow, rename = "userIds")]
    pub senders: Option<OneOrMany<'a>>,
}

#[derive(Serialize)]
pub struct RoamingPage {
    pub msgs: Vec<RoamingMessage>,
    pub next_key: String,
    pub is_last: bool,
}

#[derive(Serialize)]
pub struct RoamingMessage {
    /// Base64 of a protobuf `Meta`.
    pub msg: String,
}

/// The older list.
#[derive(Serialize)]
pub struct OldChannels {
    pub channel_infos: Vec<OldChannel>,
}

#[derive(Serialize)]
pub struct OldChannel {
    pub channel_id: String,
    pub unread_num: i64,
    pub meta: NewestMessage,
}

#[derive(Serialize)]
pub struct ClientChannels {
    pub channel_infos: Vec<ClientChannel>,
    pub cursor: String,
}

#[derive(Serialize)]
pub struct ClientChannel {
    pub session_to: String,
    pub session_type: &'static str,
    pub is_top: bool,
    pub update_top_status_time: i64,
    pub unread_num: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marks: Option<Vec<String>>,
    pub meta: NewestMessage,
}

/// An object without keys counts as none.
#[derive(Serialize)]
#[serde(untagged)]
pub enum NewestMessage {
    Some(MessageMeta),
    None {},
}

#[derive(Serialize)]
pub struct MessageMeta {
    pub id: String,
    pub from: String,
    pub to: String,
    pub timestamp: i64,
    /// JSON in a string: clients parse it.
    pub payload: String,
}

#[derive(Serialize)]
pub struct ClientPayload<'a> {
    pub from: &'a str,
    pub to: &'a str,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub bodies: [&'a RawValue; 1],
    pub ext: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<super::BodyMeta<'a>>,
}

/// A conversation as a client names it.
#[derive(Deserialize)]
pub struct ChannelName<'a> {
    #[serde(borrow)]
    pub to: Option<Label<'a>>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Only of pinned messages.
    #[serde(borrow)]
    pub pin_msg_id: Option<OneOrMany<'a>>,
}

#[derive(Deserialize)]
pub struct MarkRequest<'a> {
    #[serde(borrow)]
    pub mark: Option<Label<'a>>,
    #[serde(borrow, default)]
    pub targets: Objects<ChannelName<'a>>,
}

#[derive(Serialize)]
pub struct Topped {
    pub is_top: bool,
    pub update_top_status_time: i64,
}

#[derive(Serialize)]
pub struct Ignored<'a> {
    pub ignore: Vec<IgnoredChannel<'a>>,
}

#[derive(Serialize)]
pub struct IgnoredChannel<'a> {
    pub to: &'a str,
    #[serde(rename = "type")]
    pub kind: &'a str,
}

#[derive(Serialize)]
pub struct PinnedMessages {
    pub msg_infos: Vec<PinnedMessage>,
    pub cursor: String,
}

#[derive(Serialize)]
pub struct PinnedMessage {
    pub message: MessageMeta,
    pub pin_opt_at: i64,
    pub pin_operator: String,
}

/// The web SDK reads the names next to `group_ack`, native ones those inside it.
#[derive(Serialize)]
pub struct Acks<'a> {
    pub ackmid: &'a str,
    pub userlist: Vec<&'a str>,
    pub total: i64,
    pub is_last: bool,
    pub next_key: &'a str,
    pub timestamp: i64,
    pub group_ack: GroupAck<'a>,
}

#[derive(Serialize)]
pub struct GroupAck<'a> {
    pub userlist: Vec<AckedBy<'a>>,
    pub next_key: &'a str,
    pub is_last: bool,
    pub total: i64,
    pub ack_id_count: i64,
}

#[derive(Serialize)]
pub struct AckedBy<'a> {
    pub username: &'a str,
    pub meta_id: &'a str,
    pub timestamp: i64,
    pub ack_content: &'static str,
}
