//! Callbacks on contacts (tencent.md 6).

use serde::Serialize;

/// tencent.md 6.
#[derive(Serialize)]
pub struct FriendPair<'a> {
    #[serde(rename = "From_Account")]
    pub from: &'a str,
    #[serde(rename = "To_Account")]
    pub to: &'a str,
    #[serde(rename = "Initiator_Account", skip_serializing_if = "Option::is_none")]
    pub initiator: Option<&'a str>,
}

#[derive(Serialize)]
pub struct FriendAdd<'a> {
    #[serde(rename = "CallbackCommand")]
    pub callback_command: &'static str,
    #[serde(rename = "PairList")]
    pub pair_list: [FriendPair<'a>; 2],
    #[serde(rename = "ClientCmd")]
    pub client_cmd: &'static str,
    #[serde(rename = "Admin_Account")]
    pub admin_account: &'a str,
    #[serde(rename = "ForceFlag")]
    pub force_flag: i32,
}

#[derive(Serialize)]
pub struct Pairs<'a> {
    #[serde(rename = "CallbackCommand")]
    pub callback_command: &'static str,
    #[serde(rename = "PairList")]
    pub pair_list: Vec<FriendPair<'a>>,
}

#[derive(Serialize)]
pub struct FriendRequest<'a> {
    #[serde(rename = "CallbackCommand")]
    pub callback_command: &'static str,
    #[serde(rename = "Requester_Account")]
    pub requester: &'a str,
    #[serde(rename = "From_Account")]
    pub from: &'a str,
    #[serde(rename = "FriendItem")]
    pub items: [FriendItem<'a>; 1],
    #[serde(rename = "AddType")]
    pub add_type: &'static str,
    #[serde(rename = "ForceAddFlags")]
    pub force_add_flags: i32,
    #[serde(rename = "EventTime")]
    pub event_time: i64,
}

#[derive(Serialize)]
pub struct FriendItem<'a> {
    #[serde(rename = "To_Account")]
    pub to: &'a str,
    #[serde(rename = "Remark")]
    pub remark: &'a str,
    #[serde(rename = "GroupName")]
    pub group_name: &'static str,
    #[serde(rename = "AddSource")]
    pub add_source: &'static str,
    #[serde(rename = "AddWording")]
    pub add_wording: &'a str,
}

#[derive(Serialize)]
pub struct FriendResponse<'a> {
    #[serde(rename = "CallbackCommand")]
    pub callback_command: &'static str,
    #[serde(rename = "Requester_Account")]
    pub requester: &'a str,
    #[serde(rename = "From_Account")]
    pub from: &'a str,
    #[serde(rename = "ResponseFriendItem")]
    pub items: [FriendResponseItem<'a>; 1],
    #[serde(rename = "EventTime")]
    pub event_time: i64,
}

#[derive(Serialize)]
pub struct FriendResponseItem<'a> {
    #[serde(rename = "To_Account")]
    pub to: &'a str,
    #[serde(rename = "Remark")]
    pub remark: &'static str,
    #[serde(rename = "TagName")]
    pub tag_name: &'static str,
    #[serde(rename = "ResponseAction")]
    pub action: &'static str,
}
