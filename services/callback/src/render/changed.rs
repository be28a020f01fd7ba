//! Changes of contacts, groups and rooms, and connections, in the format of an endpoint's vendor.

use tidings_dialects::{
    agora::{ChangeCallback, Operation, StatusCallback, muc_callback, operations, roster_callback, status_callback},
    tencent::{
        Callback, ChangedGroup, FriendAdded, GroupProfile, Presence, StateChange, black_list, friend_add,
        friend_delete, group_after_change, group_after_create, group_after_destroy, group_after_exit, group_after_join,
        state_change,
    },
};
use tidings_domain::{App, Change, GroupChanged, Joining, Leaving, SessionEnd, UnixMillis, UserId};

use super::{UserDetails, agora::HOST, tencent::account};
use crate::model::Endpoint;

/// A change, and who made it.
pub struct Changed {
    pub change: Change,
    pub actor: UserId,
    pub at: UnixMillis,
    /// The client's; may be empty.
    pub address: String,
}

/// The command and the body; `None` where Tencent has no callback for it (tencent.md 6).
pub fn tencent(changed: &Changed, details: &UserDetails) -> Option<(&'static str, Vec<u8>)> {
    let (callback, body) = match changed.change.group() {
        Some(group) => of_group(changed, details, group)?,
        None => of_contacts(changed, details)?,
    };
    Some((callback.command(), body))
}

fn of_group(changed: &Changed, details: &UserDetails, group: GroupChanged) -> Option<(Callback, Vec<u8>)> {
    let name = |user: UserId| account(details, user).into_owned();
    let operator = name(changed.actor);
    let callback = ChangedGroup { group: group.id, kind: group.kind(), operator: &operator, event_time: changed.at };
    let people = |users: &[UserId]| users.iter().map(|user| name(*user)).collect::<Vec<String>>();
    match &changed.change {
        Change::GroupCreated { owner, name: title, members, .. } => {
            let (owner, members) = (name(*owner), people(members));
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            Some((Callback::GroupAfterCreate, group_after_create(&callback, &owner, title, &members)))
        }
        Change::GroupDestroyed { owner, name: title, members, .. } => {
            let (owner, members) = (name(*owner), people(members));
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            Some((Callback::GroupAfterDestroy, group_after_destroy(&callback, &owner, title, &members)))
        }
        Change::MembersJoined { users, how, .. } => {
            let members = people(users);
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            let invited = matches!(how, Joining::Added | Joining::Invited);
            Some((Callback::GroupAfterJoin, group_after_join(&callback, invited, &members)))
        }
        Change::MembersLeft { users, how, .. } => {
            let members = people(users);
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            let kicked = matches!(how, Leaving::Removed | Leaving::Blocked);
            Some((Callback::GroupAfterExit, group_after_exit(&callback, kicked, &members)))
        }
        Change::GroupUpdated { fields, name, description, avatar, .. } => {
            let profile = GroupProfile {
                name: fields.iter().any(|field| field == "name").then_some(name),
                introduction: description.as_deref(),
                face_url: avatar.as_deref(),
                notification: None,
            };
            Some((Callback::GroupAfterChange, group_after_change(&callback, &profile)?))
        }
        Change::Announced { text, .. } => {
            let profile = GroupProfile { notification: Some(text), ..GroupProfile::default() };
            Some((Callback::GroupAfterChange, group_after_change(&callback, &profile)?))
        }
        // The vendor has none for these. Those of users and contacts are in [`of_contacts`].
        Change::OwnerChanged { .. }
        | Change::AdminsChanged { .. }
        | Change::MembersMuted { .. }
        | Change::MembersBlocked { .. }
        | Change::MembersAllowed { .. }
        | Change::FileShared { .. }
        | Change::MemberChanged { .. }
        | Change::AttributesChanged { .. }
        | Change::Applied { .. }
        | Change::ApplicationRejected { .. }
        | Change::Invited { .. }
        | Change::InvitationDeclined { .. }
        | Change::UserRegistered { .. }
        | Change::UserChanged { .. }
        | Change::UserDeleted { .. }
        | Change::UserEnabled { .. }
        | Change::UserMuted { .. }
        | Change::UserOnline { .. }
        | Change::UserOffline { .. }
        | Change::UserDisconnected { .. }
        | Change::PresenceChanged { .. }
        | Change::ContactRequested { .. }
        | Change::ContactDeclined { .. }
        | Change::ContactAdded { .. }
        | Change::ContactRemoved { .. }
        | Change::UserBlocked { .. } => None,
    }
}

fn of_contacts(changed: &Changed, details: &UserDetails) -> Option<(Callback, Vec<u8>)> {
    let name = |user: UserId| account(details, user);
    match &changed.change {
        Change::ContactAdded { user, contact, accepted } => {
            let admin = (changed.actor == UserId::ADMIN).then(|| name(UserId::ADMIN));
            let added = FriendAdded {
                account: &name(*user),
                friend: &name(*contact),
                accepted: *accepted,
                admin: admin.as_deref(),
            };
            Some((Callback::FriendAdd, friend_add(&added)))
        }
        Change::ContactRemoved { user, contact } => {
            Some((Callback::FriendDelete, friend_delete(&name(*user), &name(*contact))))
        }
        Change::UserOnline { user, .. } => Some(state(changed, &name(*user), Presence::LoggedIn)),
        Change::UserOffline { user, how, .. } => {
            let presence = match how {
                SessionEnd::LoggedOut => Presence::LoggedOut,
                SessionEnd::Closed | SessionEnd::Kicked | SessionEnd::Replaced => Presence::LinkClosed,
                SessionEnd::TimedOut => Presence::TimedOut,
            };
            Some(state(changed, &name(*user), presence))
        }
        Change::UserBlocked { user, blocked, is_blocked } => {
            Some(black_list(&name(*user), &name(*blocked), *is_blocked))
        }
        // The vendor has none for these. Those of groups are in [`of_group`].
        Change::UserRegistered { .. }
        | Change::UserChanged { .. }
        | Change::UserDeleted { .. }
        | Change::UserEnabled { .. }
        | Change::UserMuted { .. }
        | Change::UserDisconnected { .. }
        | Change::PresenceChanged { .. }
        | Change::ContactRequested { .. }
        | Change::ContactDeclined { .. }
        | Change::GroupCreated { .. }
        | Change::GroupDestroyed { .. }
        | Change::GroupUpdated { .. }
        | Change::OwnerChanged { .. }
        | Change::MembersJoined { .. }
        | Change::MembersLeft { .. }
        | Change::AdminsChanged { .. }
        | Change::MembersMuted { .. }
        | Change::MembersBlocked { .. }
        | Change::MembersAllowed { .. }
        | Change::Announced { .. }
        | Change::FileShared { .. }
        | Change::MemberChanged { .. }
        | Change::AttributesChanged { .. }
        | Change::Applied { .. }
        | Change::ApplicationRejected { .. }
        | Change::Invited { .. }
        | Change::InvitationDeclined { .. } => None,
    }
}

fn state(changed: &Changed, account: &str, presence: Presence) -> (Callback, Vec<u8>) {
    let change = StateChange { account, presence, kicked: &[], event_time: changed.at };
    (Callback::StateChange, state_change(&change))
}

/// The commands and the bodies, each with what its id has behind the event's; none where Agora has no callback for it
/// (agora.md 11.3).
pub fn agora(
    app: &App,
    endpoint: &Endpoint,
    changed: &Changed,
    event_id: &str,
    details: &UserDetails,
) -> Vec<(String, &'static str, Vec<u8>)> {
    let name = |user: UserId| match user {
        UserId::ADMIN => "admin".to_owned(),
        user => details.name(user).map_or_else(|| user.to_string(), str::to_ascii_lowercase),
    };
    let connection = match &changed.change {
        Change::UserOnline { user, resource, platform } => Some((*user, resource, platform, None)),
        Change::UserOffline { user, resource, platform, how } => Some((*user, resource, platform, Some(*how))),
        _ => None,
    };
    if let Some((user, resource, platform, ended)) = connection {
        let callback = StatusCallback {
            app,
            secret: endpoint.token.as_deref().unwrap_or_default(),
            timestamp: changed.at,
            id: event_id,
            host: HOST,
            user: &name(user),
            resource,
            platform,
            address: &changed.address,
            ended,
        };
        return vec![(event_id.to_owned(), "status", status_callback(&callback))];
    }
    let from = from(changed);
    let (from, reason) = (name(from), reason(&changed.change));
    let tell = |(place, operation): (usize, Operation)| {
        // The first has the event's own id.
        let id = if place == 0 { event_id.to_owned() } else { format!("{event_id}-{place}") };
        let group = changed.change.group();
        let to = match (operation.whom, group) {
            (Some(user), _) => name(user),
            (None, Some(group)) => group.id.to_string(),
            (None, None) => String::new(),
        };
        let callback = ChangeCallback {
            app,
            secret: endpoint.token.as_deref().unwrap_or_default(),
            timestamp: changed.at,
            from: &from,
            to: &to,
            id: &id,
            host: HOST,
        };
        let (command, body) = match group {
            Some(group) => ("muc", muc_callback(&callback, group, operation.name, reason)),
            None => ("roster", roster_callback(&callback, operation.name, reason)),
        };
        (id.clone(), command, body)
    };
    operations(&changed.change).into_iter().enumerate().map(tell).collect()
}

/// Who acted: for contacts the user whose contacts changed, even if someone else made the call.
fn from(changed: &Changed) -> UserId {
    match &changed.change {
        Change::ContactRequested { from, .. } => *from,
        Change::ContactDeclined { user, .. }
        | Change::ContactAdded { user, .. }
        | Change::ContactRemoved { user, .. }
        | Change::UserBlocked { user, .. } => *user,
        _ => changed.actor,
    }
}

/// What a user wrote.
fn reason(change: &Change) -> &str {
    match change {
        Change::ContactRequested { text, .. } | Change::Applied { text, .. } => text,
        _ => "",
    }
}
