//! Callbacks on groups (tencent.md 6).

use serde::Serialize;

/// The common keys of callbacks about a group (tencent.md 6).
#[derive(Serialize)]
pub struct ChangedGroup {
    #[serde(rename = "CallbackCommand")]
    pub callback_command: &'static str,
    #[serde(rename = "GroupId")]
    pub group_id: String,
    #[serde(rename = "Type")]
    pub kind: &'static str,
    #[serde(rename = "EventTime")]
    pub event_time: i64,
}

#[derive(Serialize)]
pub struct MemberAccount<'a> {
    #[serde(rename = "Member_Account")]
    pub account: &'a str,
}

#[derive(Serialize)]
pub struct GroupCreated<'a> {
    #[serde(flatten)]
    pub group: ChangedGroup,
    #[serde(rename = "Operator_Account")]
    pub operator: &'a str,
    #[serde(rename = "Owner_Account")]
    pub owner: &'a str,
    #[serde(rename = "Name")]
    pub name: &'a str,
    #[serde(rename = "MemberList")]
    pub members: Vec<MemberAccount<'a>>,
}

#[derive(Serialize)]
pub struct GroupDestroyed<'a> {
    #[serde(flatten)]
    pub group: ChangedGroup,
    #[serde(rename = "Owner_Account")]
    pub owner: &'a str,
    #[serde(rename = "Name")]
    pub name: &'a str,
    #[serde(rename = "MemberList")]
    pub members: Vec<MemberAccount<'a>>,
}

#[derive(Serialize)]
pub struct MembersJoined<'a> {
    #[serde(flatten)]
    pub group: ChangedGroup,
    #[serde(rename = "JoinType")]
    pub join_type: &'static str,
    #[serde(rename = "Operator_Account")]
    pub operator: &'a str,
    #[serde(rename = "NewMemberList")]
    pub members: Vec<MemberAccount<'a>>,
}

#[derive(Serialize)]
pub struct MembersLeft<'a> {
    #[serde(flatten)]
    pub group: ChangedGroup,
    #[serde(rename = "ExitType")]
    pub exit_type: &'static str,
    #[serde(rename = "Operator_Account")]
    pub operator: &'a str,
    #[serde(rename = "ExitMemberList")]
    pub members: Vec<MemberAccount<'a>>,
}

#[derive(Serialize)]
pub struct GroupInfoChanged<'a> {
    #[serde(flatten)]
    pub group: ChangedGroup,
    #[serde(rename = "Operator_Account")]
    pub operator: &'a str,
    #[serde(rename = "Name", skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    #[serde(rename = "Introduction", skip_serializing_if = "Option::is_none")]
    pub introduction: Option<&'a str>,
    #[serde(rename = "Notification", skip_serializing_if = "Option::is_none")]
    pub notification: Option<&'a str>,
    #[serde(rename = "FaceUrl", skip_serializing_if = "Option::is_none")]
    pub face_url: Option<&'a str>,
}

#[derive(Serialize)]
pub struct GroupToCreate<'a> {
    #[serde(rename = "CallbackCommand")]
    pub callback_command: &'static str,
    #[serde(rename = "Operator_Account")]
    pub operator: &'a str,
    #[serde(rename = "Owner_Account")]
    pub owner: &'a str,
    #[serde(rename = "Type")]
    pub kind: &'static str,
    #[serde(rename = "Name")]
    pub name: &'a str,
    #[serde(rename = "CreateGroupNum")]
    pub owned: i64,
    #[serde(rename = "MemberList")]
    pub members: Vec<MemberAccount<'a>>,
    #[serde(rename = "EventTime")]
    pub event_time: i64,
}

#[derive(Serialize)]
pub struct Applicant<'a> {
    #[serde(flatten)]
    pub group: ChangedGroup,
    #[serde(rename = "Requestor_Account")]
    pub requestor: &'a str,
}

#[derive(Serialize)]
pub struct Invited<'a> {
    #[serde(flatten)]
    pub group: ChangedGroup,
    #[serde(rename = "Operator_Account")]
    pub operator: &'a str,
    #[serde(rename = "DestinationMembers")]
    pub members: Vec<MemberAccount<'a>>,
}
