//! The answers of the neighbouring calls (lanying.md 10), field by field.
//!
//! An empty text represents a null field and is left out (lanying.md 2), unless the vendor's samples show it empty.

#![expect(missing_docs, reason = "the vendor's names, described in lanying.md 10")]

use serde::{Serialize, Serializer};

use super::{Approval, GroupType, envelope};

/// An answer with `data`.
pub fn data<D: Serialize>(data: D) -> Vec<u8> {
    envelope::answer(data)
}

/// One page of a list; `next` is the start of the following one, 0 on the last; `total` if known.
pub fn page<D: Serialize>(data: D, next: i64, total: Option<i64>) -> Vec<u8> {
    envelope::page(data, next, total)
}

/// lanying.md 10, `/user/register/batch`.
#[derive(Debug, Serialize)]
pub struct BatchRegistered<'a> {
    pub username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<i64>,
    pub success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
}

/// lanying.md 10, `/user/list`.
#[derive(Debug, Serialize)]
pub struct ListedUser<'a> {
    pub user_id: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub username: &'a str,
    #[serde(rename = "status", serialize_with = "status")]
    pub enabled: bool,
}

/// 0 if it is enabled, 1 if it is disabled.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn status<S: Serializer>(enabled: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i32(i32::from(!enabled))
}

/// lanying.md 10, `/user/profile`; empty texts are left out.
#[derive(Debug, Serialize)]
pub struct UserProfile<'a> {
    pub user_id: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub username: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub nick_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub avatar: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub public_info: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub private_info: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub mobile: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub email: &'a str,
}

#[derive(Debug, Serialize)]
pub struct OnlineStatus {
    pub online: bool,
}

/// lanying.md 10, `/user/device/list`.
#[derive(Debug, Serialize)]
pub struct Device<'a> {
    pub device_sn: i32,
    pub platform: &'a str,
    pub login_time: i64,
}

/// lanying.md 10, `/message/broadcast`.
#[derive(Debug, Serialize)]
pub struct BroadcastDone {
    pub success: bool,
    pub send_num: i64,
}

/// lanying.md 10, `/user/conversation/pin_list`.
#[derive(Debug, Serialize)]
pub struct PinnedConversations {
    pub conversation_ids: Vec<i64>,
}

/// lanying.md 10, group information.
#[derive(Debug, Serialize)]
pub struct GroupInfo<'a> {
    pub group_id: i64,
    pub owner_id: i64,
    pub name: &'a str,
    #[serde(rename = "type")]
    pub kind: GroupType,
    #[serde(rename = "status", serialize_with = "status")]
    pub enabled: bool,
    pub description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub avatar: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub ext: &'a str,
    pub created_at: i64,
    pub updated_at: i64,
    pub member_count: i32,
    pub capacity: i32,
    pub member_invite: bool,
    pub member_modify: bool,
    pub apply_approval: Approval,
    pub read_ack: bool,
    pub history_visible: bool,
    pub ban_expire_time: i64,
}

/// lanying.md 10, the outcome for one user of a list.
#[derive(Debug, Serialize)]
pub struct MemberResult<'a> {
    user_id: i64,
    result: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
}

impl<'a> MemberResult<'a> {
    /// Success; `remark` is empty unless there is more to say.
    pub const fn success(user: i64, remark: &'a str) -> Self {
        Self { user_id: user, result: "success", reason: remark }
    }

    /// A refusal.
    pub const fn fail(user: i64, reason: &'a str) -> Self {
        Self { user_id: user, result: "fail", reason }
    }
}

/// lanying.md 10, `/group/member_list`.
#[derive(Debug, Serialize)]
pub struct GroupMember<'a> {
    pub user_id: i64,
    pub join_time: i64,
    pub display_name: &'a str,
    pub expired_time: i64,
}

/// Applicants.
#[derive(Debug, Serialize)]
pub struct GroupApplication<'a> {
    pub group_id: i64,
    pub user_id: i64,
    pub reason: &'a str,
    pub time: i64,
}
