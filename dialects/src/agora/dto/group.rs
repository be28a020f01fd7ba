//! Groups and rooms (agora.md 10.3, 10.4).

use serde::{Deserialize, Serialize};
use tidings_domain::GroupKind;

use crate::{
    flag::Flag,
    json::{Label, OneOrMany},
    number::Integer,
};

/// Creations and changes; rooms say `name` for `groupname`.
#[derive(Deserialize)]
pub struct GroupIn<'a> {
    pub groupname: Option<String>,
    pub name: Option<String>,
    pub description: Option<String>,
    pub desc: Option<String>,
    pub avatar: Option<String>,
    #[serde(borrow)]
    pub owner: Option<Label<'a>>,
    #[serde(borrow)]
    pub newowner: Option<Label<'a>>,
    #[serde(borrow)]
    pub members: Option<OneOrMany<'a>>,
    pub maxusers: Option<Integer>,
    pub public: Option<Flag>,
    pub membersonly: Option<Flag>,
    pub members_only: Option<Flag>,
    pub approval: Option<Flag>,
    pub allowinvites: Option<Flag>,
    pub invite_need_confirm: Option<Flag>,
    pub custom: Option<String>,
    pub mute: Option<Flag>,
    #[serde(borrow)]
    pub groupid: Option<Label<'a>>,
}

#[derive(Deserialize)]
pub struct NewAdmin<'a> {
    #[serde(borrow)]
    pub newadmin: Option<Label<'a>>,
}

#[derive(Deserialize)]
pub struct MuteIn<'a> {
    #[serde(borrow)]
    pub usernames: Option<OneOrMany<'a>>,
    pub mute_duration: Option<Integer>,
}

#[derive(Deserialize)]
pub struct AnnouncementIn {
    pub announcement: Option<String>,
}

#[derive(Deserialize)]
pub struct ApplyIn {
    pub message: Option<String>,
}

#[derive(Deserialize)]
pub struct Usernames<'a> {
    #[serde(borrow)]
    pub usernames: Option<OneOrMany<'a>>,
}

/// A group's id is `groupid`, a room's `id`.
#[derive(Serialize)]
#[serde(untagged)]
pub enum GroupId {
    Group {
        groupid: String,
    },
    Room {
        id: String,
    },
    /// The third version of the vendor's calls.
    Both {
        id: String,
        groupid: String,
    },
    /// Entries of a room's lists.
    Chatroom {
        id: String,
        chatroomid: String,
    },
}

impl GroupId {
    /// The key of that kind.
    pub fn of(kind: GroupKind, id: i64) -> Self {
        match kind {
            GroupKind::Group => Self::Group { groupid: id.to_string() },
            GroupKind::Room => Self::Room { id: id.to_string() },
        }
    }

    /// The keys of that kind and version.
    pub fn in_version(kind: GroupKind, id: i64, is_v3: bool) -> Self {
        match kind {
            GroupKind::Group if is_v3 => Self::Both { id: id.to_string(), groupid: id.to_string() },
            _ => Self::of(kind, id),
        }
    }

    /// The keys of entries of a block or allow list.
    pub fn in_list(kind: GroupKind, id: i64) -> Self {
        match kind {
            GroupKind::Group => Self::of(kind, id),
            GroupKind::Room => Self::Chatroom { id: id.to_string(), chatroomid: id.to_string() },
        }
    }
}

#[derive(Serialize)]
pub struct GroupDeleted {
    pub success: bool,
    #[serde(flatten)]
    pub id: GroupId,
}

#[derive(Serialize)]
pub struct Disabled {
    pub disabled: bool,
}

/// One of the three by role.
#[derive(Serialize, Default)]
pub struct Affiliation<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joined_time: Option<i64>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub enum Members<'a> {
    Names(Vec<&'a str>),
    Affiliations(Vec<Affiliation<'a>>),
}

#[derive(Serialize)]
pub struct Group<'a> {
    pub id: String,
    pub name: &'a str,
    pub avatar: &'a str,
    pub description: &'a str,
    pub membersonly: bool,
    pub allowinvites: bool,
    pub invite_need_confirm: bool,
    pub maxusers: i32,
    pub owner: &'a str,
    pub created: i64,
    pub custom: &'a str,
    pub mute: bool,
    pub affiliations_count: i32,
    pub disabled: bool,
    pub affiliations: Vec<Affiliation<'a>>,
    pub public: bool,
}

/// The two lists differ.
#[derive(Serialize)]
#[serde(untagged)]
pub enum ListedGroup<'a> {
    Group {
        /// `org#app_name`
        owner: String,
        groupid: String,
        affiliations: i32,
        #[serde(rename = "type")]
        kind: &'static str,
        #[serde(rename = "lastModified")]
        last_modified: String,
        groupname: &'a str,
    },
    Room {
        id: String,
        name: &'a str,
        owner: &'a str,
        affiliations_count: i32,
        disabled: bool,
    },
}

/// A group or room that a user is in, or one of the public groups.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Joined<'a> {
    Group {
        groupid: String,
        groupname: &'a str,
    },
    /// The third version of the vendor's calls.
    Version3 {
        id: String,
        name: &'a str,
        groupid: String,
        groupname: &'a str,
        disabled: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        permission: Option<&'static str>,
    },
    Room {
        id: String,
        name: &'a str,
        title: &'a str,
        /// `org#app_name`
        owner: String,
        created: i64,
        description: &'a str,
        max_users: i32,
        /// A text, unlike everywhere else.
        disabled: &'static str,
    },
}

/// The newer list of a user's groups.
#[derive(Serialize)]
pub struct JoinedEntity<'a> {
    pub name: &'a str,
    pub avatar: &'a str,
    pub owner: &'a str,
    pub id: String,
    #[serde(rename = "groupId")]
    pub group_id: String,
    pub description: &'a str,
    pub disabled: bool,
    pub public: bool,
    pub allowinvites: bool,
    pub membersonly: bool,
    pub maxusers: i32,
    pub affiliations_count: i32,
    pub permission: Option<&'static str>,
    pub created: i64,
}

/// An envelope with the number of entries of all pages.
#[derive(Serialize)]
pub struct Counted<E: Serialize> {
    #[serde(flatten)]
    pub envelope: E,
    pub total: i32,
}

#[derive(Serialize)]
pub struct MuteAll {
    pub mute: bool,
}

#[derive(Serialize)]
pub struct Muted<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire: Option<i64>,
    pub user: &'a str,
}

#[derive(Serialize)]
pub struct AdminChanged<'a> {
    pub result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newadmin: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldadmin: Option<&'a str>,
}

#[derive(Serialize)]
pub struct White {
    pub white: bool,
}

#[derive(Serialize)]
pub struct Announcement<'a> {
    pub announcement: &'a str,
}

#[derive(Serialize)]
pub struct AnnouncementSet {
    pub id: String,
    pub result: bool,
}

/// One object, or an array of it in the third version of the vendor's calls.
#[derive(Serialize)]
#[serde(untagged)]
pub enum OneOrArray<T: Serialize> {
    One(T),
    Array([T; 1]),
}

impl<T: Serialize> OneOrArray<T> {
    /// In the version's form.
    pub fn in_version(value: T, is_v3: bool) -> Self {
        if is_v3 { Self::Array([value]) } else { Self::One(value) }
    }
}

#[derive(Serialize)]
pub struct MemberChanged<'a> {
    pub result: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(flatten)]
    pub id: GroupId,
    pub action: &'static str,
    pub user: &'a str,
}

#[derive(Serialize)]
pub struct MembersAdded {
    pub newmembers: Vec<String>,
    #[serde(flatten)]
    pub id: GroupId,
    pub action: &'static str,
}
