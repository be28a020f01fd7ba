//! The wire names of callbacks (agora.md 11).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Payload;
use crate::flag::Flag;

/// agora.md 11.2, with the additional keys of 11.3.
#[derive(Serialize)]
pub struct Callback<'a, P: Serialize> {
    #[serde(rename = "callId")]
    pub call_id: &'a str,
    #[serde(rename = "eventType", skip_serializing_if = "Option::is_none")]
    pub event_type: Option<&'static str>,
    pub timestamp: i64,
    pub chat_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    pub from: &'a str,
    pub to: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recall_id: Option<String>,
    pub msg_id: &'a str,
    pub payload: P,
    #[serde(rename = "securityVersion")]
    pub security_version: &'static str,
    pub security: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appkey: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<&'a str>,
}

/// A device connected or disconnected.
#[derive(Serialize)]
pub struct StatusCallback<'a> {
    #[serde(rename = "callId")]
    pub call_id: &'a str,
    pub reason: &'static str,
    pub status: &'static str,
    pub user: String,
    pub os: &'a str,
    pub ip: &'a str,
    pub host: &'a str,
    pub appkey: &'a str,
    pub version: &'static str,
    pub timestamp: i64,
    pub security: String,
}

/// The payload of recalls and receipts, which have no content.
#[derive(Serialize)]
pub struct AckPayload<'a> {
    pub ack_message_id: String,
    /// Always empty.
    pub bodies: [(); 0],
    pub ext: NoKeys,
    pub from: &'a str,
    pub to: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg_config: Option<MsgConfig>,
}

/// The payload of `muc`.
#[derive(Serialize)]
pub struct MucPayload<'a> {
    pub muc_id: String,
    pub is_chatroom: bool,
    pub operation: &'static str,
    pub reason: &'a str,
    pub status: MucStatus,
}

#[derive(Serialize)]
pub struct MucStatus {
    pub description: &'static str,
    pub error_code: &'static str,
}

/// The payload of `roster`.
#[derive(Serialize)]
pub struct RosterPayload<'a> {
    pub operation: &'static str,
    pub reason: &'a str,
    pub roster_ver: String,
}

/// `{}`
#[derive(Serialize)]
pub struct NoKeys {}

#[derive(Serialize)]
pub struct MsgConfig {
    pub allow_group_ack: bool,
}

#[derive(Serialize)]
pub struct EditPayload<'a> {
    pub edit_message_id: String,
    #[serde(flatten)]
    pub new: Payload<'a>,
    pub meta: EditMeta<'a>,
}

#[derive(Serialize)]
pub struct EditMeta<'a> {
    pub edit_msg: EditMsg<'a>,
}

#[derive(Serialize)]
pub struct EditMsg<'a> {
    pub count: i32,
    pub edit_time: i64,
    pub operator: &'a str,
    pub send_time: i64,
    pub sender: &'a str,
}

/// The answer before a message (agora.md 11.2). `code` is a text; other types are accepted too.
#[derive(Deserialize)]
pub struct Decision<'a> {
    pub valid: Flag,
    #[serde(borrow)]
    pub code: Option<&'a RawValue>,
    #[serde(borrow)]
    pub payload: Option<&'a RawValue>,
}

/// The changes of the answer: `bodies`, or the body itself as on newer pages.
#[derive(Deserialize)]
pub struct Change<'a> {
    #[serde(borrow)]
    pub bodies: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub ext: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    pub kind: Option<&'a RawValue>,
}
