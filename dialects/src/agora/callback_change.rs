//! The bodies of callbacks about groups, rooms and contacts (agora.md 11.3).

use md5::{Digest, Md5};
use tidings_domain::{
    App, Change, ConversationKind, GroupChanged, GroupKind, Joining, Leaving, UnixMillis, UserId, hex,
};

use super::{callback::Event, dto};

/// The content of one callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// The vendor's name for it.
    pub name: &'static str,
    /// Whom it concerns in addition to the actor; `None`: the group as a whole.
    pub whom: Option<UserId>,
}

/// The callbacks of a change: several if it concerns several users, since the vendor names one in each; none where it
/// has none.
pub fn operations(change: &Change) -> Vec<Operation> {
    let whole = |name| vec![Operation { name, whom: None }];
    let of = |name, user: UserId| vec![Operation { name, whom: Some(user) }];
    let each = |name, users: &[UserId]| users.iter().map(|user| Operation { name, whom: Some(*user) }).collect();
    match change {
        Change::ContactRequested { user, .. } => of("add", *user),
        Change::ContactDeclined { from, .. } => of("decline", *from),
        Change::ContactAdded { contact, accepted, .. } => of(if *accepted { "accept" } else { "add" }, *contact),
        Change::ContactRemoved { contact, .. } => of("remove", *contact),
        Change::UserBlocked { blocked, is_blocked, .. } => of(if *is_blocked { "ban" } else { "allow" }, *blocked),
        Change::GroupCreated { .. } => whole("create"),
        Change::GroupDestroyed { .. } => whole("destroy"),
        Change::GroupUpdated { fields, mute_all_until_ms, .. } => {
            let muted = mute_all_until_ms.map(|until| if until == 0 { "remove_ban_group" } else { "ban_group" });
            let updated = fields.iter().any(|field| field != "mute_all").then_some("update");
            muted.into_iter().chain(updated).map(|name| Operation { name, whom: None }).collect()
        }
        // Spelt so by the vendor.
        Change::OwnerChanged { to, .. } => of("assing_owner", *to),
        Change::MembersJoined { users, how, .. } => each(
            match how {
                Joining::Added | Joining::Joined => "presence",
                Joining::Accepted => "apply_accept",
                Joining::Invited => "invite_accept",
            },
            users,
        ),
        Change::MembersLeft { users, how, .. } => match how {
            Leaving::Left | Leaving::Deleted => each("leave", users),
            Leaving::Removed => each("kick", users),
            // Told as `ban`.
            Leaving::Blocked => vec![],
        },
        Change::AdminsChanged { users, admin, .. } => each(if *admin { "add_admin" } else { "remove_admin" }, users),
        Change::MembersMuted { users, until_ms, .. } => {
            each(if *until_ms == 0 { "remove_mute" } else { "add_mute" }, users)
        }
        Change::MembersBlocked { users, is_blocked, .. } => each(if *is_blocked { "ban" } else { "allow" }, users),
        Change::MembersAllowed { users, is_allowed, .. } => {
            each(if *is_allowed { "add_user_white_list" } else { "remove_user_white_list" }, users)
        }
        Change::Announced { text, .. } => {
            whole(if text.is_empty() { "delete_announcement" } else { "update_announcement" })
        }
        Change::FileShared { is_shared, .. } => whole(if *is_shared { "upload_file" } else { "delete_file" }),
        Change::MemberChanged { user, .. } => of("group_member_metadata_update", *user),
        Change::AttributesChanged { is_set, .. } => whole(if *is_set { "set_metadata" } else { "delete_metadata" }),
        Change::Applied { user, .. } => of("apply", *user),
        Change::Invited { users, .. } => each("invite", users),
        Change::InvitationDeclined { user, .. } => of("invite_decline", *user),
        // The vendor does not report these; connections in a callback of another form, [`super::status_callback`].
        Change::UserOnline { .. }
        | Change::UserOffline { .. }
        | Change::UserRegistered { .. }
        | Change::UserChanged { .. }
        | Change::UserDeleted { .. }
        | Change::UserEnabled { .. }
        | Change::UserMuted { .. }
        | Change::UserDisconnected { .. }
        | Change::PresenceChanged { .. }
        | Change::ApplicationRejected { .. } => vec![],
    }
}

/// A change and its origin.
#[derive(Debug, Clone, Copy)]
pub struct ChangeCallback<'a> {
    /// The app.
    pub app: &'a App,
    /// The secret of the callback's rule.
    pub secret: &'a str,
    /// When it was made.
    pub timestamp: UnixMillis,
    /// Who made it: the folded name or the id.
    pub from: &'a str,
    /// Whom it concerns; of a group as a whole its id.
    pub to: &'a str,
    /// The callback's id.
    pub id: &'a str,
    /// The sending server.
    pub host: &'a str,
}

/// A callback with `chat_type` `muc`: a group or room changed.
pub fn muc_callback(
    callback: &ChangeCallback<'_>,
    group: GroupChanged,
    operation: &'static str,
    reason: &str,
) -> Vec<u8> {
    let id = group.id.to_string();
    let payload = dto::MucPayload {
        muc_id: format!("{}#{}_{id}@conference.easemob.com", callback.app.org, callback.app.name),
        is_chatroom: group.kind() == GroupKind::Room,
        operation,
        reason,
        status: dto::MucStatus { description: "", error_code: "ok" },
    };
    callback.event().after_event_body("muc", payload, |callback| dto::Callback { group_id: Some(id), ..callback })
}

/// A callback with `chat_type` `roster`: contacts, or a block list, changed.
pub fn roster_callback(callback: &ChangeCallback<'_>, operation: &'static str, reason: &str) -> Vec<u8> {
    let roster_ver = hex(&Md5::digest(callback.id)).to_ascii_uppercase();
    callback
        .event()
        .after_event_body("roster", dto::RosterPayload { operation, reason, roster_ver }, |callback| callback)
}

impl<'a> ChangeCallback<'a> {
    fn event(&self) -> Event<'a> {
        let Self { app, secret, timestamp, from, to, id, host } = *self;
        Event { app, secret, timestamp, kind: ConversationKind::Direct, from, to, id, host }
    }
}
