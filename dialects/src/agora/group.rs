//! Groups and rooms (agora.md 10.3, 10.4, errors of 8.3). The two differ only in names of keys.

use tidings_domain::{Error, GroupKind, Reason, Username};

use super::{
    Call, Refusal, Timing,
    dto::{self, GroupId},
    history::ListQuery,
    refusal::decode,
};
use crate::{
    flag::Flag,
    json::{Label, bytes_of},
    number::Integer,
};

/// Maximum number of users in one change of members.
pub const MAX_MEMBERS: usize = 60;

/// The settings of a new group, or changes of one; absent is the default, or no change.
#[derive(Debug, Clone, Default)]
pub struct GroupFields {
    /// `groupname`, for rooms `name`.
    pub name: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `avatar`
    pub avatar: Option<String>,
    /// `public`
    pub public: Option<bool>,
    /// `maxusers`
    pub max_members: Option<i32>,
    /// `allowinvites`: whether plain members may add users.
    pub member_invite: Option<bool>,
    /// `membersonly`: whether applicants wait for an admin.
    pub asks_to_join: Option<bool>,
    /// `custom`
    pub custom: Option<String>,
    /// The given keys, as listed in the answer to a change.
    pub given: Vec<&'static str>,
}

/// A group or room to create.
#[derive(Debug, Clone)]
pub struct NewGroup {
    /// The owner.
    pub owner: Username,
    /// The initial members.
    pub members: Vec<Username>,
    /// The settings.
    pub fields: GroupFields,
}

/// Parses the body of a creation.
pub fn new_group(body: &[u8]) -> Result<NewGroup, Refusal> {
    let dto: dto::GroupIn<'_> = decode(body)?;
    let owner = Label::given(dto.owner.as_ref());
    let owner = owner.ok_or_else(|| Refusal::new(400, "invalid_parameter", "owner must be provided"))?;
    let members = dto.members.as_ref().map_or(&[][..], |members| &members.0);
    let members = members.iter().map(|name| Username::parse(&name.text)).collect::<Result<_, _>>()?;
    Ok(NewGroup { owner: Username::parse(owner)?, members, fields: fields(&dto)? })
}

/// A requested change.
#[derive(Debug, Clone)]
pub enum GroupChange {
    /// Other fields.
    Fields(GroupFields),
    /// Another owner.
    Owner(Username),
}

/// Parses the body of a change.
pub fn group_change(body: &[u8]) -> Result<GroupChange, Refusal> {
    let dto: dto::GroupIn<'_> = decode(body)?;
    if let Some(owner) = Label::given(dto.newowner.as_ref()) {
        return Ok(GroupChange::Owner(Username::parse(owner)?));
    }
    let fields = fields(&dto)?;
    if fields.given.is_empty() {
        return Err(Refusal::new(400, "invalid_parameter", "some of [] are not valid fields"));
    }
    Ok(GroupChange::Fields(fields))
}

fn fields(dto: &dto::GroupIn<'_>) -> Result<GroupFields, Refusal> {
    let max_members = dto.maxusers.map(|Integer(most)| i32::try_from(most)).transpose();
    let given = [
        ("groupname", dto.groupname.is_some() || dto.name.is_some()),
        ("description", dto.description.is_some()),
        ("maxusers", dto.maxusers.is_some()),
        ("membersonly", dto.membersonly.is_some()),
        ("allowinvites", dto.allowinvites.is_some()),
        ("public", dto.public.is_some()),
        ("custom", dto.custom.is_some()),
        ("avatar", dto.avatar.is_some()),
    ];
    Ok(GroupFields {
        name: dto.groupname.clone().or_else(|| dto.name.clone()),
        description: dto.description.clone(),
        avatar: dto.avatar.clone(),
        public: dto.public.map(Flag::bool),
        max_members: max_members.map_err(|_| Refusal::illegal_argument("maxusers must be from 1 to 100000"))?,
        member_invite: dto.allowinvites.map(Flag::bool),
        asks_to_join: dto.membersonly.map(Flag::bool),
        custom: dto.custom.clone(),
        given: given.into_iter().filter(|(_, given)| *given).map(|(key, _)| key).collect(),
    })
}

/// Parses a body with users.
pub fn usernames(body: &[u8]) -> Result<Vec<Username>, Refusal> {
    let dto: dto::Usernames<'_> = decode(body)?;
    let names = dto.usernames.as_ref().map_or(&[][..], |names| &names.0);
    if names.is_empty() {
        return Err(Refusal::new(400, "invalid_parameter", "usernames must be provided"));
    }
    if names.len() > MAX_MEMBERS {
        let text = format!("usernames size is more than max limit : {MAX_MEMBERS}");
        return Err(Refusal::new(400, "invalid_parameter", text));
    }
    Ok(names.iter().map(|name| Username::parse(&name.text)).collect::<Result<_, _>>()?)
}

/// A group as shown in answers.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its id.
    pub id: i64,
    /// Whether it is a room.
    pub kind: GroupKind,
    /// The owner's folded name.
    pub owner: String,
    /// The other members' folded names, if they are shown.
    pub members: Vec<String>,
    /// Number of members.
    pub member_count: i32,
    /// Milliseconds.
    pub created: i64,
    /// Milliseconds.
    pub modified: i64,
    /// False: disabled.
    pub enabled: bool,
    /// Whether all except admins are muted now.
    pub muted: bool,
    /// The settings.
    pub fields: GroupFields,
}

/// The answer to a creation.
pub fn group_created(call: &Call<'_>, timing: Timing, kind: GroupKind, id: i64) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(GroupId::of(kind, id)), ..call.envelope(timing) })
}

/// The answer to a deletion.
pub fn group_deleted(call: &Call<'_>, timing: Timing, kind: GroupKind, id: i64) -> Vec<u8> {
    let data = dto::GroupDeleted { success: true, id: GroupId::of(kind, id) };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// The answer to a change: each given key.
pub fn group_changed(call: &Call<'_>, timing: Timing, given: &[&str]) -> Vec<u8> {
    let data: std::collections::BTreeMap<_, _> = given.iter().map(|key| (*key, true)).collect();
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// The answer to `disable` and `enable`.
pub fn group_disabled(call: &Call<'_>, timing: Timing, disabled: bool) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(dto::Disabled { disabled }), ..call.envelope(timing) })
}

/// Whole groups, by their ids.
pub fn groups(call: &Call<'_>, timing: Timing, groups: &[Group]) -> Vec<u8> {
    let data: Vec<_> = groups.iter().map(shown).collect();
    bytes_of(&dto::Envelope { count: Some(data.len()), data: Some(data), ..call.envelope(timing) })
}

fn shown(group: &Group) -> dto::Group<'_> {
    let owner = dto::Affiliation { owner: Some(&group.owner), member: None };
    let members = group.members.iter().map(|name| dto::Affiliation { owner: None, member: Some(name) });
    let fields = &group.fields;
    dto::Group {
        id: group.id.to_string(),
        name: fields.name.as_deref().unwrap_or_default(),
        avatar: fields.avatar.as_deref().unwrap_or_default(),
        description: fields.description.as_deref().unwrap_or_default(),
        membersonly: fields.asks_to_join.unwrap_or_default(),
        allowinvites: fields.member_invite.unwrap_or_default(),
        maxusers: fields.max_members.unwrap_or_default(),
        owner: &group.owner,
        created: group.created,
        custom: fields.custom.as_deref().unwrap_or_default(),
        mute: group.muted,
        affiliations_count: group.member_count,
        disabled: !group.enabled,
        affiliations: std::iter::once(owner).chain(members).collect(),
        public: fields.public.unwrap_or_default(),
    }
}

/// A page of the app's groups or rooms.
pub fn group_list(call: &Call<'_>, timing: Timing, query: &ListQuery, groups: &[Group], next: i64) -> Vec<u8> {
    let app_key = format!("{}#{}", call.app.org, call.app.name);
    let data: Vec<_> = groups.iter().map(|group| listed(group, &app_key)).collect();
    let (limit, cursor) = (query.written.0.as_deref(), query.written.1.as_deref());
    let next = (next != 0).then(|| next.to_string());
    bytes_of(&dto::Envelope {
        params: Some(dto::Params { limit: limit.map(|limit| [limit]), cursor: cursor.map(|cursor| [cursor]) }),
        count: Some(data.len()),
        data: Some(data),
        cursor: next.as_deref(),
        ..call.envelope(timing)
    })
}

fn listed<'a>(group: &'a Group, app_key: &str) -> dto::ListedGroup<'a> {
    let name = group.fields.name.as_deref().unwrap_or_default();
    match group.kind {
        GroupKind::Room => dto::ListedGroup::Room {
            id: group.id.to_string(),
            name,
            owner: &group.owner,
            affiliations_count: group.member_count,
            disabled: !group.enabled,
        },
        GroupKind::Group => dto::ListedGroup::Group {
            owner: format!("{app_key}_{}", group.owner),
            groupid: group.id.to_string(),
            affiliations: group.member_count,
            kind: "group",
            last_modified: group.modified.to_string(),
            groupname: name,
        },
    }
}

/// The groups or rooms that a user is in.
pub fn joined(call: &Call<'_>, timing: Timing, groups: &[Group]) -> Vec<u8> {
    let shown = |group: &Group| {
        let name = group.fields.name.clone().unwrap_or_default();
        match group.kind {
            GroupKind::Group => dto::Joined::Group { groupid: group.id.to_string(), groupname: name },
            GroupKind::Room => dto::Joined::Room { id: group.id.to_string(), name },
        }
    };
    let data: Vec<_> = groups.iter().map(shown).collect();
    bytes_of(&dto::Envelope {
        entities: Some(dto::Entities::NONE),
        count: Some(data.len()),
        data: Some(data),
        ..call.envelope(timing)
    })
}

/// Whether a user is in a group.
pub fn is_joined(call: &Call<'_>, timing: Timing, joined: bool) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(joined), ..call.envelope(timing) })
}

/// A page of members: whether each is the owner, and their folded name.
pub fn members(call: &Call<'_>, timing: Timing, members: &[(bool, String)]) -> Vec<u8> {
    let data: Vec<_> = members
        .iter()
        .map(|(is_owner, name)| dto::Affiliation {
            owner: is_owner.then_some(name.as_str()),
            member: (!is_owner).then_some(name.as_str()),
        })
        .collect();
    bytes_of(&dto::Envelope { count: Some(data.len()), data: Some(data), ..call.envelope(timing) })
}

/// A change of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberDeed {
    /// Added.
    Add,
    /// Removed.
    Remove,
}

impl MemberDeed {
    const fn action(self) -> &'static str {
        match self {
            Self::Add => "add_member",
            Self::Remove => "remove_member",
        }
    }
}

/// A group, by kind and id.
pub type Which = (GroupKind, i64);

/// The answer about one member.
pub fn member_changed(call: &Call<'_>, timing: Timing, which: Which, deed: MemberDeed, user: &str) -> Vec<u8> {
    let data = member(which, deed, user, None);
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

fn member((kind, id): Which, deed: MemberDeed, user: &str, reason: Option<String>) -> dto::MemberChanged<'_> {
    let (result, action) = (reason.is_none(), deed.action());
    dto::MemberChanged { result, reason, id: GroupId::of(kind, id), action, user }
}

/// The answer about users who were added together: those who were not members before.
pub fn members_added(call: &Call<'_>, timing: Timing, (kind, id): Which, users: Vec<String>) -> Vec<u8> {
    let data = dto::MembersAdded { newmembers: users, id: GroupId::of(kind, id), action: MemberDeed::Add.action() };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// The answer about users who were removed together, each with its own result.
pub fn members_removed(call: &Call<'_>, timing: Timing, which: Which, users: &[(String, Option<Error>)]) -> Vec<u8> {
    let shown = users.iter().map(|(user, refusal)| {
        let reason = refusal.as_ref().map(|error| member_refusal(error, which.1, user).description.into_owned());
        member(which, MemberDeed::Remove, user, reason)
    });
    let data: Vec<_> = shown.collect();
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// Why one member could not be changed, in these calls' own words.
pub fn member_refusal(error: &Error, group: i64, user: &str) -> Refusal {
    match error.reason() {
        Reason::AlreadyGroupMember => {
            let text = format!("can not join this group, reason:user: {user} already in group: {group}");
            Refusal::new(403, "forbidden_op", text).because(error.reason())
        }
        Reason::NotGroupMember => {
            Refusal::new(403, "forbidden_op", format!("users [{user}] are not members of this group!"))
                .because(error.reason())
        }
        Reason::UserNotFound => unknown_user(user),
        _ => Refusal::from(error).naming(user),
    }
}

/// A name in a body or path that belongs to nobody.
pub fn unknown_user(name: &str) -> Refusal {
    Refusal::new(404, "resource_not_found", format!("username {name} doesn't exist!")).because(Reason::UserNotFound)
}
