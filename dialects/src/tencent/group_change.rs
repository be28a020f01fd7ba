//! The bodies of callbacks about groups and rooms and their members (tencent.md 6).

use tidings_domain::{GroupKind, UnixMillis};

use super::{dto, group::type_of, query::Callback};
use crate::json::bytes_of;

/// A group or room that changed.
#[derive(Debug, Clone, Copy)]
pub struct ChangedGroup<'a> {
    /// Its id.
    pub group: i64,
    /// Its kind.
    pub kind: GroupKind,
    /// Who changed it: their account.
    pub operator: &'a str,
    /// When.
    pub event_time: UnixMillis,
}

/// The body of `Group.CallbackAfterCreateGroup`.
pub fn group_after_create(changed: &ChangedGroup<'_>, owner: &str, name: &str, members: &[&str]) -> Vec<u8> {
    bytes_of(&dto::GroupCreated {
        group: changed.wire(Callback::GroupAfterCreate),
        operator: changed.operator,
        owner,
        name,
        members: accounts(members),
    })
}

/// The body of `Group.CallbackAfterGroupDestroyed`: it does not say who ended the group.
pub fn group_after_destroy(changed: &ChangedGroup<'_>, owner: &str, name: &str, members: &[&str]) -> Vec<u8> {
    bytes_of(&dto::GroupDestroyed {
        group: changed.wire(Callback::GroupAfterDestroy),
        owner,
        name,
        members: accounts(members),
    })
}

/// The body of `Group.CallbackAfterNewMemberJoin`; `invited` if others added them.
pub fn group_after_join(changed: &ChangedGroup<'_>, invited: bool, members: &[&str]) -> Vec<u8> {
    bytes_of(&dto::MembersJoined {
        group: changed.wire(Callback::GroupAfterJoin),
        join_type: if invited { "Invited" } else { "Apply" },
        operator: changed.operator,
        members: accounts(members),
    })
}

/// The body of `Group.CallbackAfterMemberExit`; `kicked` if others removed them.
pub fn group_after_exit(changed: &ChangedGroup<'_>, kicked: bool, members: &[&str]) -> Vec<u8> {
    bytes_of(&dto::MembersLeft {
        group: changed.wire(Callback::GroupAfterExit),
        exit_type: if kicked { "Kicked" } else { "Quit" },
        operator: changed.operator,
        members: accounts(members),
    })
}

/// What changed of a group's profile; `None`: did not.
#[derive(Debug, Clone, Copy, Default)]
pub struct GroupProfile<'a> {
    /// Its name.
    pub name: Option<&'a str>,
    /// Its description.
    pub introduction: Option<&'a str>,
    /// Its announcement.
    pub notification: Option<&'a str>,
    /// Its avatar.
    pub face_url: Option<&'a str>,
}

/// The body of `Group.CallbackAfterGroupInfoChanged`; `None` if nothing of what it can report changed.
pub fn group_after_change(changed: &ChangedGroup<'_>, profile: &GroupProfile<'_>) -> Option<Vec<u8>> {
    let GroupProfile { name, introduction, notification, face_url } = *profile;
    [name, introduction, notification, face_url].into_iter().flatten().next()?;
    let group = changed.wire(Callback::GroupAfterChange);
    let operator = changed.operator;
    Some(bytes_of(&dto::GroupInfoChanged { group, operator, name, introduction, notification, face_url }))
}

impl ChangedGroup<'_> {
    pub(super) fn wire(&self, callback: Callback) -> dto::ChangedGroup {
        dto::ChangedGroup {
            callback_command: callback.command(),
            group_id: self.group.to_string(),
            kind: type_of(self.kind),
            event_time: self.event_time.0,
        }
    }
}

pub(super) fn accounts<'a>(members: &[&'a str]) -> Vec<dto::MemberAccount<'a>> {
    members.iter().map(|account| dto::MemberAccount { account }).collect()
}
