//! Groups and rooms: creation, changes and details (agora.md 10.3, 10.4, errors of 8.3). The two differ only in names of
//! keys.

use tidings_domain::{GroupKind, Username};

use super::{
    Call, Refusal, Timing,
    dto::{self, GroupId},
    refusal::decode,
};
use crate::{
    flag::Flag,
    json::{Label, bytes_of, entries},
    number::Integer,
    reading::text,
};

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
    /// `invite_need_confirm`: whether users who are invited must accept first.
    pub invite_confirm: Option<bool>,
    /// `membersonly`: whether applicants wait for an admin.
    pub asks_to_join: Option<bool>,
    /// `custom`
    pub custom: Option<String>,
    /// `mute`: whether only admins may speak.
    pub mute_all: Option<bool>,
    /// The given keys, as listed in the answer to a change.
    pub given: Vec<&'static str>,
}

/// A group or room to create.
#[derive(Debug, Clone)]
pub struct NewGroup {
    /// The owner; `None`: the user who calls.
    pub owner: Option<Username>,
    /// The initial members.
    pub members: Vec<Username>,
    /// The settings.
    pub fields: GroupFields,
}

/// Parses the body of a creation.
pub fn new_group(body: &[u8]) -> Result<NewGroup, Refusal> {
    let dto: dto::GroupIn<'_> = decode(body)?;
    let owner = Label::given(dto.owner.as_ref()).map(Username::parse).transpose()?;
    if Label::given(dto.groupid.as_ref()).is_some() {
        // The caller would look for the group under an id that it does not have.
        return Err(Refusal::new(400, "invalid_parameter", "some of [groupid] are not valid fields"));
    }
    let members = dto.members.as_ref().map_or(&[][..], |members| &members.0);
    let members = members.iter().map(|name| Username::parse(&name.text)).collect::<Result<_, _>>()?;
    Ok(NewGroup { owner, members, fields: fields(&dto)? })
}

/// An app token says for whom it creates a group.
pub fn owner_missing() -> Refusal {
    must_be_provided("owner")
}

/// A required key is missing.
pub(super) fn must_be_provided(key: &str) -> Refusal {
    Refusal::new(400, "invalid_parameter", format!("{key} must be provided"))
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
    let fields = fields(&dto)?;
    if let Some(owner) = Label::given(dto.newowner.as_ref()) {
        // A group has another owner, or other fields: both at once could be done by halves.
        return match fields.given[..] {
            [] => Ok(GroupChange::Owner(Username::parse(owner)?)),
            _ => Err(not_valid(&fields.given)),
        };
    }
    if fields.given.is_empty() {
        let entries = entries(text(body)?).map_err(Refusal::json_parse)?;
        return Err(not_valid(&entries.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>()));
    }
    Ok(GroupChange::Fields(fields))
}

fn not_valid(keys: &[&str]) -> Refusal {
    Refusal::new(400, "invalid_parameter", format!("some of [{}] are not valid fields", keys.join(", ")))
}

/// A transfer to the user who owns the group already.
pub fn same_owner() -> Refusal {
    Refusal::new(403, "forbidden_op", "new owner and old owner are the same")
}

fn fields(dto: &dto::GroupIn<'_>) -> Result<GroupFields, Refusal> {
    let max_members = dto.maxusers.map(|Integer(most)| i32::try_from(most)).transpose();
    let given = [
        ("groupname", dto.groupname.is_some() || dto.name.is_some()),
        ("description", dto.description.is_some() || dto.desc.is_some()),
        ("maxusers", dto.maxusers.is_some()),
        ("membersonly", dto.membersonly.is_some()),
        ("members_only", dto.members_only.is_some()),
        ("approval", dto.approval.is_some()),
        ("allowinvites", dto.allowinvites.is_some()),
        ("invite_need_confirm", dto.invite_need_confirm.is_some()),
        ("public", dto.public.is_some()),
        ("custom", dto.custom.is_some()),
        ("avatar", dto.avatar.is_some()),
        ("mute", dto.mute.is_some()),
    ];
    Ok(GroupFields {
        name: dto.groupname.clone().or_else(|| dto.name.clone()),
        description: dto.description.clone().or_else(|| dto.desc.clone()),
        avatar: dto.avatar.clone(),
        public: dto.public.map(Flag::bool),
        max_members: max_members.map_err(|_| Refusal::illegal_argument("maxusers must be from 1 to 100000"))?,
        member_invite: dto.allowinvites.map(Flag::bool),
        asks_to_join: dto.membersonly.or(dto.members_only).or(dto.approval).map(Flag::bool),
        invite_confirm: dto.invite_need_confirm.map(Flag::bool),
        custom: dto.custom.clone(),
        mute_all: dto.mute.map(Flag::bool),
        given: given.into_iter().filter(|(_, given)| *given).map(|(key, _)| key).collect(),
    })
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

/// The answer to a creation. In the third version of the vendor's calls groups, too, have an `id`.
pub fn group_created(call: &Call<'_>, timing: Timing, kind: GroupKind, id: i64, is_v3: bool) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(GroupId::in_version(kind, id, is_v3)), ..call.envelope(timing) })
}

/// The answer to a deletion.
pub fn group_deleted(call: &Call<'_>, timing: Timing, kind: GroupKind, id: i64, is_v3: bool) -> Vec<u8> {
    let data = dto::GroupDeleted { success: true, id: GroupId::in_version(kind, id, is_v3) };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// The answer to a change: each given key.
pub fn group_changed(call: &Call<'_>, timing: Timing, given: &[&str], is_v3: bool) -> Vec<u8> {
    let mut data: std::collections::BTreeMap<_, _> = given.iter().map(|key| (*key, true)).collect();
    if is_v3 && given.contains(&"groupname") {
        data.insert("name", true);
    }
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
    let owner = dto::Affiliation { owner: Some(&group.owner), ..Default::default() };
    let members = group.members.iter().map(|name| dto::Affiliation { member: Some(name), ..Default::default() });
    let fields = &group.fields;
    dto::Group {
        id: group.id.to_string(),
        name: fields.name.as_deref().unwrap_or_default(),
        avatar: fields.avatar.as_deref().unwrap_or_default(),
        description: fields.description.as_deref().unwrap_or_default(),
        membersonly: fields.asks_to_join.unwrap_or_default(),
        allowinvites: fields.member_invite.unwrap_or_default(),
        invite_need_confirm: fields.invite_confirm.unwrap_or_default(),
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

/// Whether a group or room is muted as a whole, after a change of that.
pub fn mute_all_set(call: &Call<'_>, timing: Timing, mute: bool) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(dto::MuteAll { mute }), ..call.envelope(timing) })
}

/// Parses the body of a new announcement: its text.
pub fn announcement(body: &[u8]) -> Result<String, Refusal> {
    let dto: dto::AnnouncementIn = decode(body)?;
    dto.announcement.ok_or_else(|| Refusal::illegal_argument("announcement is null"))
}

/// An announcement that is too long.
pub fn announcement_too_long() -> Refusal {
    Refusal::new(403, "forbidden_op", "announce info length exceeds limit!")
}

/// The announcement; empty: none.
pub fn announced(call: &Call<'_>, timing: Timing, text: &str) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(dto::Announcement { announcement: text }), ..call.envelope(timing) })
}

/// The answer to a new announcement.
pub fn announcement_set(call: &Call<'_>, timing: Timing, group: i64) -> Vec<u8> {
    let data = dto::AnnouncementSet { id: group.to_string(), result: true };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}
