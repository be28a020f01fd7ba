//! The JSON of notices to connected clients.

use std::collections::BTreeMap;

use serde::Serialize;

/// The payload of a `Meta` whose `ns` is NOTIFY.
#[derive(Serialize)]
pub struct Notify<'a, T> {
    #[serde(rename = "type")]
    pub kind: &'a str,
    pub data: T,
}

/// `data` of `thread`.
#[derive(Serialize)]
pub struct ThreadNotice<'a> {
    pub id: String,
    pub name: &'a str,
    pub muc_parent_id: String,
    pub msg_parent_id: String,
    pub timestamp: i64,
    pub from: String,
    pub operation: &'a str,
}

/// An element of `data` of `reaction`.
#[derive(Serialize)]
pub struct ReactionNotice<'a> {
    pub from: String,
    pub to: String,
    /// `chat` or `groupchat`.
    pub channel_type: &'a str,
    #[serde(rename = "messageId")]
    pub message_id: String,
    pub reactions: Vec<ReactionEntry<'a>>,
    pub ts: i64,
}

#[derive(Serialize)]
pub struct ReactionEntry<'a> {
    pub reaction: &'a str,
    pub count: i64,
    #[serde(rename = "userList")]
    pub user_list: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub op: Vec<ReactionOperation<'a>>,
}

#[derive(Serialize)]
pub struct ReactionOperation<'a> {
    pub operator: String,
    /// `create` or `delete`.
    #[serde(rename = "reactionType")]
    pub kind: &'a str,
}

/// `data` of `conv`, when a message was pinned or unpinned.
#[derive(Serialize)]
pub struct PinNotice<'a> {
    /// `pin` or `pin_delete`.
    #[serde(rename = "op")]
    pub operation: &'a str,
    pub from: String,
    /// The conversation; clients look at `from` instead in direct ones.
    pub id: String,
    /// `chat`, `groupchat` or `chatroom`.
    #[serde(rename = "type")]
    pub kind: &'a str,
    #[serde(rename = "ext")]
    pub message: String,
    #[serde(rename = "ts")]
    pub timestamp: i64,
}

/// `ext` of a mute.
#[derive(Serialize)]
pub struct MuteNotice {
    pub user_mute_time: i64,
}

/// `eventInfo.ext` of an attribute of a member.
#[derive(Serialize)]
pub struct MemberNotice<'a> {
    pub username: String,
    pub properties: BTreeMap<&'a str, &'a str>,
}

/// `eventInfo.ext` of attributes of a room.
#[derive(Serialize)]
pub struct AttributesNotice<'a> {
    pub result: AttributesResult<'a>,
    pub properties: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
pub struct AttributesResult<'a> {
    #[serde(rename = "successKeys")]
    pub success_keys: Vec<&'a str>,
}

/// `eventInfo.ext` of a group that was changed. Clients read `true` as text, too.
#[derive(Serialize)]
pub struct GroupNotice<'a> {
    pub name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members_only: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_user_invites: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invite_need_confirm: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_users: Option<i32>,
    pub last_modified: i64,
}
