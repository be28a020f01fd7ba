//! The bodies of callbacks before a change of groups and contacts (tencent.md 6.1).

use tidings_domain::{GroupKind, UnixMillis};

use super::{
    dto,
    group::type_of,
    group_change::{ChangedGroup, accounts},
    query::Callback,
};
use crate::json::bytes_of;

/// A group or room to be created.
#[derive(Debug, Clone, Copy)]
pub struct GroupToCreate<'a> {
    /// Who creates it: their account.
    pub operator: &'a str,
    /// Its owner's account.
    pub owner: &'a str,
    /// Its kind.
    pub kind: GroupKind,
    /// Its name.
    pub name: &'a str,
    /// How many of that kind the owner has.
    pub owned: i64,
    /// The accounts of its first members, without the owner.
    pub members: &'a [&'a str],
    /// When.
    pub event_time: UnixMillis,
}

/// The body of `Group.CallbackBeforeCreateGroup`.
pub fn group_before_create(group: &GroupToCreate<'_>) -> Vec<u8> {
    bytes_of(&dto::GroupToCreate {
        callback_command: Callback::GroupBeforeCreate.command(),
        operator: group.operator,
        owner: group.owner,
        kind: type_of(group.kind),
        name: group.name,
        owned: group.owned,
        members: accounts(group.members),
        event_time: group.event_time.0,
    })
}

/// The body of `Group.CallbackBeforeApplyJoinGroup`: the operator is the user who joins.
pub fn group_before_apply(group: &ChangedGroup<'_>) -> Vec<u8> {
    bytes_of(&dto::Applicant { group: group.wire(Callback::GroupBeforeApply), requestor: group.operator })
}

/// The body of `Group.CallbackBeforeInviteJoinGroup`.
pub fn group_before_invite(group: &ChangedGroup<'_>, members: &[&str]) -> Vec<u8> {
    let (operator, members) = (group.operator, accounts(members));
    bytes_of(&dto::Invited { group: group.wire(Callback::GroupBeforeInvite), operator, members })
}

/// A request to become a contact.
#[derive(Debug, Clone, Copy)]
pub struct FriendRequest<'a> {
    /// The account of the requester.
    pub from: &'a str,
    /// The account of the receiver.
    pub to: &'a str,
    /// What the asking user notes about the other one.
    pub remark: &'a str,
    /// What they write.
    pub wording: &'a str,
    /// When.
    pub event_time: UnixMillis,
}

/// The body of `Sns.CallbackPrevFriendAdd`. Contacts are always mutual, and only the app itself adds some without asking.
pub fn friend_before_add(request: &FriendRequest<'_>) -> Vec<u8> {
    let FriendRequest { from, to, remark, wording, event_time } = *request;
    bytes_of(&dto::FriendRequest {
        callback_command: Callback::FriendBeforeAdd.command(),
        requester: from,
        from,
        items: [dto::FriendItem { to, remark, group_name: "", add_source: "", add_wording: wording }],
        add_type: "Add_Type_Both",
        force_add_flags: 0,
        event_time: event_time.0,
    })
}

/// The body of `Sns.CallbackPrevFriendResponse`: `from` answers the request of `to`.
pub fn friend_before_response(from: &str, to: &str, accept: bool, event_time: UnixMillis) -> Vec<u8> {
    let action = if accept { "Response_Action_AgreeAndAdd" } else { "Response_Action_Reject" };
    bytes_of(&dto::FriendResponse {
        callback_command: Callback::FriendBeforeResponse.command(),
        requester: from,
        from,
        items: [dto::FriendResponseItem { to, remark: "", tag_name: "", action }],
        event_time: event_time.0,
    })
}
