//! Groups and rooms on the wire.

use std::collections::HashSet;

use tidings_domain::{Error, UnixMillis, UserId};
use tidings_proto::{
    malformed_page_token, mute_end, mute_from_wire, mute_to_wire, page_start, page_token, pb, timestamp,
    timestamp_unless_zero,
};

use crate::model::group::{
    Announcement, Application, ApplicationPlace, ApplyApproval, Group, GroupChange, Member, MemberFilter, MemberPage,
    NewGroup, Outcomes, Part, Settings, SettingsChange,
};

/// Maximum number of users per call.
const MAX_USERS: usize = 600;

/// Each user once, in the order of first mention.
pub(crate) fn user_ids(wire: Vec<i64>) -> Result<Vec<UserId>, Error> {
    if !(1..=MAX_USERS).contains(&wire.len()) {
        return Err(Error::invalid("user_ids", format!("must be 1 to {MAX_USERS}")));
    }
    let mut seen = HashSet::new();
    Ok(wire.into_iter().filter(|user| seen.insert(*user)).map(UserId).collect())
}

/// Maximum number of entries that a list skips: their keys are read anyway.
const MAX_SKIP: i32 = 10_000;

/// A part of a list.
pub(crate) fn part(page_token: &str, skip: i32, limit: i64) -> Result<Part, Error> {
    if !(0..=MAX_SKIP).contains(&skip) {
        return Err(Error::invalid("skip", format!("must be from 0 to {MAX_SKIP}")));
    }
    Ok(Part { after: page_start(page_token)?, skip: skip.into(), limit })
}

impl From<pb::MemberFilter> for MemberFilter {
    fn from(wire: pb::MemberFilter) -> Self {
        match wire {
            pb::MemberFilter::Unspecified => Self::All,
            pb::MemberFilter::Admins => Self::Admins,
            pb::MemberFilter::Muted => Self::Muted,
        }
    }
}

impl From<Announcement> for pb::Announcement {
    fn from(announcement: Announcement) -> Self {
        Self {
            group_id: announcement.group,
            id: announcement.id,
            author_id: announcement.author.0,
            made_at: timestamp_unless_zero(announcement.made_at.0),
            title: announcement.title,
            text: announcement.text,
        }
    }
}

fn apply_approval(wire: pb::ApplyApproval) -> Option<ApplyApproval> {
    match wire {
        pb::ApplyApproval::Unspecified => None,
        pb::ApplyApproval::All => Some(ApplyApproval::All),
        pb::ApplyApproval::Ask => Some(ApplyApproval::Ask),
        pb::ApplyApproval::None => Some(ApplyApproval::None),
    }
}

impl From<ApplyApproval> for pb::ApplyApproval {
    fn from(approval: ApplyApproval) -> Self {
        match approval {
            ApplyApproval::All => Self::All,
            ApplyApproval::Ask => Self::Ask,
            ApplyApproval::None => Self::None,
        }
    }
}

fn settings_change(wire: Option<pb::GroupSettings>) -> Result<SettingsChange, Error> {
    let Some(wire) = wire else {
        return Ok(SettingsChange::default());
    };
    Ok(SettingsChange {
        apply_approval: apply_approval(wire.apply_approval()),
        member_invite: wire.member_invite,
        member_modify: wire.member_modify,
        history_visible: wire.history_visible,
        read_ack: wire.read_ack,
        mute_all: match wire.mute_all_until {
            Some(until) => Some(mute_from_wire("mute_all_until", Some(until))?),
            None => None,
        },
        max_members: wire.max_members.map(Into::into),
        public: wire.public,
        custom: wire.custom,
        invite_confirm: wire.invite_confirm,
    })
}

impl From<Settings> for pb::GroupSettings {
    fn from(settings: Settings) -> Self {
        Self {
            apply_approval: pb::ApplyApproval::from(settings.apply_approval).into(),
            member_invite: Some(settings.member_invite),
            member_modify: Some(settings.member_modify),
            history_visible: Some(settings.history_visible),
            read_ack: Some(settings.read_ack),
            // Absent, it would say nothing.
            mute_all_until: Some(mute_end(settings.mute_all)),
            max_members: Some(settings.max_members as i32),
            public: Some(settings.public),
            custom: Some(settings.custom),
            invite_confirm: Some(settings.invite_confirm),
        }
    }
}

impl TryFrom<pb::CreateGroupRequest> for NewGroup {
    type Error = Error;

    fn try_from(wire: pb::CreateGroupRequest) -> Result<Self, Error> {
        if wire.member_ids.len() > MAX_USERS {
            return Err(Error::invalid("member_ids", format!("must be at most {MAX_USERS}")));
        }
        Ok(Self {
            kind: wire.kind().into(),
            owner: wire.owner_id.map(UserId),
            members: wire.member_ids.into_iter().map(UserId).collect(),
            settings: settings_change(wire.settings)?,
            name: wire.name,
            description: wire.description,
            avatar: wire.avatar,
            needs_super_admin: wire.needs_super_admin,
        })
    }
}

impl TryFrom<pb::UpdateGroupRequest> for GroupChange {
    type Error = Error;

    fn try_from(wire: pb::UpdateGroupRequest) -> Result<Self, Error> {
        Ok(Self {
            name: wire.name,
            description: wire.description,
            avatar: wire.avatar,
            settings: settings_change(wire.settings)?,
            enabled: wire.enabled,
        })
    }
}

impl From<Group> for pb::Group {
    fn from(group: Group) -> Self {
        Self {
            id: group.id,
            kind: pb::GroupKind::from(group.kind).into(),
            name: group.name,
            description: group.description,
            avatar: group.avatar,
            owner_id: group.owner.0,
            member_count: group.member_count as i32,
            created_at: Some(timestamp(group.created_at)),
            updated_at: Some(timestamp(group.updated_at)),
            settings: Some(group.settings.into()),
            enabled: group.enabled,
            parent_group_id: group.parent_group,
            parent_msg_id: group.parent_msg.0,
        }
    }
}

impl From<Member> for pb::Member {
    fn from(member: Member) -> Self {
        Self {
            user_id: member.user.0,
            role: pb::GroupRole::from(member.role).into(),
            joined_at: timestamp_unless_zero(member.joined_at.0),
            muted_until: mute_to_wire(member.muted),
            username: member.username.unwrap_or_default(),
            display_name: member.display_name,
        }
    }
}

impl From<MemberPage> for pb::ListMembersResponse {
    fn from(page: MemberPage) -> Self {
        Self {
            members: page.members.into_iter().map(Into::into).collect(),
            next_page_token: page_token(page.next.map_or(0, |user| user.0)),
            total: page.total as i32,
        }
    }
}

impl From<Application> for pb::Application {
    fn from(application: Application) -> Self {
        Self { user_id: application.user.0, text: application.text, made_at: Some(timestamp(application.made_at)) }
    }
}

/// The token of the page after an application: the queue is ordered by time, then user. Empty where none follows.
pub(crate) fn application_token(after: Option<ApplicationPlace>) -> String {
    after.map(|(made_at, user)| format!("{}-{}", made_at.0, user.0)).unwrap_or_default()
}

/// The reverse of [`application_token`].
pub(crate) fn application_start(token: &str) -> Result<ApplicationPlace, Error> {
    if token.is_empty() {
        return Ok((UnixMillis(0), UserId(0)));
    }
    let (made_at, user) = token.split_once('-').ok_or_else(malformed_page_token)?;
    if made_at.is_empty() || user.is_empty() {
        return Err(malformed_page_token());
    }
    Ok((UnixMillis(page_start(made_at)?), UserId(page_start(user)?)))
}

/// The outcome for each user.
pub(crate) fn members_response(outcomes: Outcomes) -> pb::MembersResponse {
    let result = |(user, outcome): (UserId, Result<(), Error>)| {
        let (reason, text) = match outcome {
            Ok(()) => (String::new(), String::new()),
            Err(error) => (error.reason().words().name.to_owned(), error.to_string()),
        };
        pb::MemberResult { user_id: user.0, reason, text }
    };
    pb::MembersResponse { results: outcomes.into_iter().map(result).collect() }
}
