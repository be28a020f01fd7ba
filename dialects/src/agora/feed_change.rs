//! Changes of users, contacts, groups and rooms in the event feed, which is ours.

use tidings_domain::{Change, Joining, Leaving, SessionEnd, UserId};

use super::{Names, dto};

/// The change, with users by their names. Its kind is the event's, its group the event's `group_id`.
pub(super) fn changed<'a>(change: &'a Change, names: &Names) -> dto::Changed<'a> {
    let name = |user: &UserId| Some(names.of(*user));
    let all = |users: &[UserId]| Some(users.iter().map(|user| names.of(*user)).collect());
    let parent = change.group().map(|group| group.parent).filter(|parent| *parent != 0);
    let none = dto::Changed { parent_group_id: parent.map(|parent| parent.to_string()), ..dto::Changed::default() };
    match change {
        Change::UserRegistered { user }
        | Change::UserDeleted { user }
        | Change::UserEnabled { user, .. }
        | Change::ApplicationRejected { user, .. }
        | Change::InvitationDeclined { user, .. } => dto::Changed { user: name(user), ..none },
        Change::UserChanged { user, fields } | Change::MemberChanged { user, names: fields, .. } => {
            dto::Changed { user: name(user), fields: Some(fields), ..none }
        }
        Change::UserMuted { user, until_ms: [chat, groupchat, chatroom] } => {
            let muted = dto::MutedUntil { chat: *chat, groupchat: *groupchat, chatroom: *chatroom };
            dto::Changed { user: name(user), muted: Some(muted), ..none }
        }
        Change::UserOnline { user, resource, platform } => {
            dto::Changed { user: name(user), resource: Some(resource), platform: Some(platform), ..none }
        }
        Change::UserOffline { user, resource, platform, how } => dto::Changed {
            user: name(user),
            resource: Some(resource),
            platform: Some(platform),
            how: Some(session_end(*how)),
            ..none
        },
        Change::UserDisconnected { user, resource, .. } => {
            let resource = Some(resource.as_str()).filter(|resource| !resource.is_empty());
            dto::Changed { user: name(user), resource, ..none }
        }
        // Other subscribers are not disclosed.
        Change::PresenceChanged { user, statuses, ext, last_time_ms, .. } => dto::Changed {
            user: name(user),
            statuses: Some(statuses.iter().map(|(resource, status)| (&**resource, &**status)).collect()),
            ext: Some(ext),
            last_time: Some(*last_time_ms),
            ..none
        },
        Change::ContactRequested { user, from, text } => {
            dto::Changed { user: name(user), other: name(from), text: Some(text), ..none }
        }
        Change::ContactAdded { user, contact, accepted } => {
            dto::Changed { user: name(user), other: name(contact), accepted: Some(*accepted), ..none }
        }
        Change::ContactDeclined { user, from: other }
        | Change::ContactRemoved { user, contact: other }
        | Change::UserBlocked { user, blocked: other, .. } => {
            dto::Changed { user: name(user), other: name(other), ..none }
        }
        Change::GroupCreated { owner, name: title, members, .. }
        | Change::GroupDestroyed { owner, name: title, members, .. } => {
            dto::Changed { owner: name(owner), name: Some(title), users: all(members), ..none }
        }
        Change::GroupUpdated { fields, name, description, avatar, custom, mute_all_until_ms, enabled, .. } => {
            dto::Changed {
                fields: Some(fields),
                name: Some(name),
                description: description.as_deref(),
                avatar: avatar.as_deref(),
                custom: custom.as_deref(),
                muted_until: *mute_all_until_ms,
                enabled: *enabled,
                ..none
            }
        }
        Change::OwnerChanged { from, to, .. } => dto::Changed { owner: name(to), former_owner: name(from), ..none },
        Change::MembersJoined { users, how, .. } => {
            dto::Changed { users: all(users), how: Some(joining(*how)), ..none }
        }
        Change::MembersLeft { users, how, .. } => dto::Changed { users: all(users), how: Some(leaving(*how)), ..none },
        Change::AdminsChanged { users, admin, .. } => dto::Changed { users: all(users), admin: Some(*admin), ..none },
        Change::MembersMuted { users, until_ms, .. } => {
            dto::Changed { users: all(users), muted_until: Some(*until_ms), ..none }
        }
        Change::MembersBlocked { users, is_blocked, .. } => {
            dto::Changed { users: all(users), blocked: Some(*is_blocked), ..none }
        }
        Change::MembersAllowed { users, is_allowed, .. } => {
            dto::Changed { users: all(users), allowed: Some(*is_allowed), ..none }
        }
        Change::Announced { text, .. } => dto::Changed { text: Some(text), ..none },
        Change::FileShared { uuid, name, .. } => dto::Changed { uuid: Some(uuid), name: Some(name), ..none },
        Change::AttributesChanged { names, is_set, .. } => {
            dto::Changed { fields: Some(names), set: Some(*is_set), ..none }
        }
        Change::Applied { user, text, .. } => dto::Changed { user: name(user), text: Some(text), ..none },
        Change::Invited { users, .. } => dto::Changed { users: all(users), ..none },
    }
}

const fn joining(how: Joining) -> &'static str {
    match how {
        Joining::Added => "added",
        Joining::Joined => "joined",
        Joining::Accepted => "accepted",
        Joining::Invited => "invited",
    }
}

const fn session_end(how: SessionEnd) -> &'static str {
    match how {
        SessionEnd::LoggedOut => "logged_out",
        SessionEnd::Closed => "closed",
        SessionEnd::TimedOut => "timed_out",
        SessionEnd::Kicked => "kicked",
        SessionEnd::Replaced => "replaced",
    }
}

const fn leaving(how: Leaving) -> &'static str {
    match how {
        Leaving::Left => "left",
        Leaving::Removed => "removed",
        Leaving::Blocked => "blocked",
        Leaving::Deleted => "deleted",
    }
}
