//! Callbacks on messages (tencent.md 4, 6).

use serde::Serialize;

use super::Element;

/// The fields of a callback on a one-to-one message, in the order of the vendor's example.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Direct<'a> {
    pub callback_command: &'static str,
    #[serde(rename = "From_Account")]
    pub from: &'a str,
    #[serde(rename = "To_Account")]
    pub to: &'a str,
    pub msg_seq: u32,
    pub msg_random: u32,
    pub msg_time: u32,
    pub msg_key: String,
    pub online_only_flag: u8,
    #[serde(flatten)]
    pub outcome: Option<Outcome<'a>>,
    pub msg_body: &'a [Element<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_custom_data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_time: Option<i64>,
}

/// Only in the callback after the sending.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outcome<'a> {
    pub send_msg_result: i32,
    pub error_info: &'a str,
    pub unread_msg_num: i32,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Withdrawn<'a> {
    pub callback_command: &'static str,
    #[serde(rename = "From_Account")]
    pub from: &'a str,
    #[serde(rename = "To_Account")]
    pub to: &'a str,
    pub msg_key: String,
    pub unread_msg_num: i32,
    pub event_time: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Read<'a> {
    pub callback_command: &'static str,
    #[serde(rename = "Report_Account")]
    pub reader: &'a str,
    #[serde(rename = "Peer_Account")]
    pub peer: &'a str,
    pub last_read_time: u32,
    pub unread_msg_num: i32,
    pub event_time: i64,
}

/// The fields of a callback on a group message: the random is `Random` here.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupMessage<'a> {
    pub callback_command: &'static str,
    pub group_id: String,
    #[serde(rename = "Type")]
    pub kind: &'static str,
    #[serde(rename = "From_Account")]
    pub from: &'a str,
    #[serde(rename = "Operator_Account")]
    pub operator: &'a str,
    pub random: u32,
    /// Only in the callback after the sending, with the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg_seq: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg_time: Option<u32>,
    pub online_only_flag: u8,
    /// Present if it was refused; the vendor's own callback has none.
    #[serde(flatten)]
    pub outcome: Option<Outcome<'a>>,
    pub msg_body: &'a [Element<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_custom_data: Option<&'a str>,
    pub event_time: i64,
    #[serde(rename = "GroupAtInfo", skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention<'a>>,
}

#[derive(Serialize)]
pub struct Mention<'a> {
    #[serde(rename = "GroupAtAllFlag")]
    pub all: u8,
    #[serde(rename = "GroupAt_Account", skip_serializing_if = "Option::is_none")]
    pub account: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupRecall<'a> {
    pub callback_command: &'static str,
    #[serde(rename = "Operator_Account")]
    pub operator: &'a str,
    #[serde(rename = "Type")]
    pub kind: &'static str,
    pub group_id: String,
    pub msg_seq_list: Vec<Seq>,
    pub event_time: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Seq {
    pub msg_seq: u32,
}
