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
    pub allowinvites: Option<Flag>,
    pub custom: Option<String>,
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
    Group { groupid: String },
    Room { id: String },
}

impl GroupId {
    /// The key of that kind.
    pub fn of(kind: GroupKind, id: i64) -> Self {
        match kind {
            GroupKind::Group => Self::Group { groupid: id.to_string() },
            GroupKind::Room => Self::Room { id: id.to_string() },
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

#[derive(Serialize)]
pub struct Affiliation<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<&'a str>,
}

#[derive(Serialize)]
pub struct Group<'a> {
    pub id: String,
    pub name: &'a str,
    pub avatar: &'a str,
    pub description: &'a str,
    pub membersonly: bool,
    pub allowinvites: bool,
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

#[derive(Serialize)]
#[serde(untagged)]
pub enum Joined {
    Group { groupid: String, groupname: String },
    Room { id: String, name: String },
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
