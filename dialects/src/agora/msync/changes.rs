//! What happens to groups and rooms, as their members are notified of it.

use std::collections::BTreeMap;

use prost::Message;
use tidings_domain::{Change, GroupChanged, Joining, Leaving, UserId};

use super::{
    changed::Changed,
    notices::{muc, thread},
    pb::{
        Meta, MucBody,
        muc_body::{EventInfo, Operation},
    },
    roster::roster,
};
use crate::{agora::dto, json::text_of};

/// Whether a user gets a notice of their own, rather than the one for all members.
pub fn is_named(change: &Change, user: UserId) -> bool {
    change.people().contains(&user)
}

/// The notices for those whom the change does not name.
pub fn notices(changed: &Changed<'_>) -> Vec<Vec<u8>> {
    encoded(match changed.change.group() {
        Some(group) if group.parent != 0 => thread(changed, group),
        Some(group) => of_group(changed, group),
        None => vec![],
    })
}

/// The notices for a user whom the change names.
pub fn notices_for(changed: &Changed<'_>, user: UserId) -> Vec<Vec<u8>> {
    encoded(match changed.change.group() {
        Some(group) if group.parent != 0 => thread_for(changed, group, user),
        Some(group) => of_group_for(changed, group, user),
        None => roster(changed, user),
    })
}

fn encoded(metas: Vec<Meta>) -> Vec<Vec<u8>> {
    metas.iter().map(Message::encode_to_vec).collect()
}

fn of_group(changed: &Changed<'_>, group: GroupChanged) -> Vec<Meta> {
    let whole = |operation| vec![muc(changed, group, changed.body(group, operation))];
    let with_ext = |operation, ext: String| {
        let event_info = Some(EventInfo { event_type: None, ext: Some(ext) });
        vec![muc(changed, group, MucBody { event_info, ..changed.body(group, operation) })]
    };
    match changed.change {
        Change::GroupDestroyed { .. } => whole(Operation::Destroy),
        Change::GroupUpdated { .. } => updated(changed, group),
        Change::MembersJoined { users, .. } => many(changed, group, users, Operation::Presence),
        Change::MembersLeft { users, .. } => many(changed, group, users, Operation::Absence),
        Change::Announced { text, .. } => {
            let is_new = !text.is_empty();
            let operation = if is_new { Operation::UpdateAnnouncement } else { Operation::DeleteAnnouncement };
            let body = MucBody { reason: is_new.then(|| text.clone()), ..changed.body(group, operation) };
            vec![muc(changed, group, body)]
        }
        Change::FileShared { is_shared: true, .. } => whole(Operation::UploadFile),
        Change::FileShared { .. } => whole(Operation::DeleteFile),
        Change::MemberChanged { user, names, .. } => {
            with_ext(Operation::GroupMemberMetadataUpdate, member(changed, *user, names))
        }
        Change::AttributesChanged { names, is_set, .. } => {
            let operation = if *is_set { Operation::SetMetadata } else { Operation::DeleteMetadata };
            with_ext(operation, attributes(changed, names))
        }
        Change::Applied { user, text, .. } => {
            let from = Some(changed.user(*user));
            let body = MucBody { from, reason: Some(text.clone()), ..changed.body(group, Operation::Apply) };
            vec![muc(changed, group, body)]
        }
        Change::InvitationDeclined { user, .. } => {
            let from = Some(changed.user(*user));
            vec![muc(changed, group, MucBody { from, ..changed.body(group, Operation::InviteDecline) })]
        }
        _ => vec![],
    }
}

fn of_group_for(changed: &Changed<'_>, group: GroupChanged, user: UserId) -> Vec<Meta> {
    let to = |operation| vec![muc(changed, group, changed.body_to(group, operation, user))];
    match changed.change {
        Change::GroupCreated { owner, .. } if *owner == user => to(Operation::Create),
        Change::GroupCreated { .. } => to(Operation::DirectJoined),
        Change::GroupDestroyed { .. } | Change::MemberChanged { .. } => of_group(changed, group),
        Change::OwnerChanged { from, to, .. } => {
            let from = Some(changed.user(*from));
            vec![muc(changed, group, MucBody { from, ..changed.body_to(group, Operation::AssignOwner, *to) })]
        }
        Change::MembersJoined { how: Joining::Added, .. } if !group.is_room => to(Operation::DirectJoined),
        Change::MembersJoined { how: Joining::Accepted, .. } => to(Operation::ApplyAccept),
        Change::MembersLeft { how: Leaving::Removed | Leaving::Blocked, .. } => to(Operation::Kick),
        Change::AdminsChanged { admin: true, .. } => to(Operation::AddAdmin),
        Change::AdminsChanged { .. } => to(Operation::RemoveAdmin),
        Change::MembersMuted { until_ms: 0, .. } => to(Operation::RemoveMute),
        Change::MembersMuted { until_ms, .. } => {
            let ext = Some(text_of(&dto::MuteNotice { user_mute_time: *until_ms }));
            vec![muc(changed, group, MucBody { ext, ..changed.body_to(group, Operation::AddMute, user) })]
        }
        Change::MembersBlocked { is_blocked: true, .. } => to(Operation::Ban),
        Change::MembersBlocked { .. } => to(Operation::Allow),
        Change::MembersAllowed { is_allowed: true, .. } => to(Operation::AddUserWhiteList),
        Change::MembersAllowed { .. } => to(Operation::RemoveUserWhiteList),
        Change::ApplicationRejected { .. } => to(Operation::ApplyDecline),
        Change::Invited { .. } => to(Operation::Invite),
        // They requested it themselves.
        _ => vec![],
    }
}

fn thread_for(changed: &Changed<'_>, group: GroupChanged, user: UserId) -> Vec<Meta> {
    match changed.change {
        Change::MembersLeft { how: Leaving::Removed | Leaving::Blocked, .. } => {
            vec![muc(changed, group, changed.body_to(group, Operation::ThreadKick, user))]
        }
        _ => thread(changed, group),
    }
}

/// Users who came or went: one as the sender, several as a list.
fn many(changed: &Changed<'_>, group: GroupChanged, users: &[UserId], operation: Operation) -> Vec<Meta> {
    let Some(first) = users.first() else { return vec![] };
    let from = Some(changed.user(*first));
    let members = users.iter().filter(|_| users.len() > 1).map(|user| changed.names.of(*user)).collect();
    let count = Some(changed.place.members).filter(|count| *count > 0);
    let body = MucBody { from, members, muc_member_count: count, ..changed.body(group, operation) };
    vec![muc(changed, group, body)]
}

/// Muting everybody has notices of its own, and so has disabling.
fn updated(changed: &Changed<'_>, group: GroupChanged) -> Vec<Meta> {
    let Change::GroupUpdated { fields, name, description, avatar, custom, mute_all_until_ms, enabled, .. } =
        changed.change
    else {
        return vec![];
    };
    let muted = mute_all_until_ms.map(|until| if until == 0 { Operation::RemoveBanGroup } else { Operation::BanGroup });
    let enabled = enabled.map(|enabled| if enabled { Operation::AbleGroup } else { Operation::DisableGroup });
    let mut out: Vec<MucBody> =
        muted.into_iter().chain(enabled).map(|operation| changed.body(group, operation)).collect();
    if fields.iter().any(|field| field != "mute_all" && field != "enabled") {
        let settings = changed.place.settings;
        let has = |field: &str| fields.iter().any(|changed| changed == field);
        let ext = text_of(&dto::GroupNotice {
            name,
            description: description.as_deref(),
            avatar: avatar.as_deref(),
            custom: custom.as_deref(),
            public: settings.public.filter(|_| has("public")),
            members_only: settings.members_only.filter(|_| has("apply_approval")),
            allow_user_invites: settings.member_invite.filter(|_| has("member_invite")),
            invite_need_confirm: settings.invite_confirm.filter(|_| has("invite_confirm")),
            max_users: settings.max_members.filter(|_| has("max_members")),
            last_modified: changed.at.0,
        });
        let event_info = Some(EventInfo { event_type: None, ext: Some(ext) });
        out.push(MucBody { event_info, ..changed.body(group, Operation::Update) });
    }
    out.into_iter().map(|body| muc(changed, group, body)).collect()
}

fn member(changed: &Changed<'_>, user: UserId, names: &[String]) -> String {
    // One that was removed is empty.
    let mut properties: BTreeMap<&str, &str> = names.iter().map(|name| (name.as_str(), "")).collect();
    properties.extend(changed.values());
    text_of(&dto::MemberNotice { username: changed.names.of(user), properties })
}

fn attributes(changed: &Changed<'_>, names: &[String]) -> String {
    let success_keys = names.iter().map(String::as_str).collect();
    let result = dto::AttributesResult { success_keys };
    text_of(&dto::AttributesNotice { result, properties: changed.values().collect() })
}
