//! The conversations of a user, as app servers read and delete them (agora.md 6).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{flag::Flag, json::Label};

/// agora.md 6
#[derive(Deserialize)]
pub struct DeleteChannel<'a> {
    #[serde(borrow)]
    pub channel: Option<Label<'a>>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub delete_roam: Option<Flag>,
}

/// agora.md 6.1: no envelope.
#[derive(Serialize)]
pub struct Status {
    #[serde(rename = "requestStatusCode")]
    pub status: &'static str,
    pub timestamp: i64,
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
