//! What a change is about: its kind, its group, its users, and the conversation in whose order it belongs.

use super::{Change, GroupChanged};
use crate::{ChangeKind, ConversationId, UserId};

impl Change {
    /// Its kind.
    pub const fn kind(&self) -> ChangeKind {
        match self {
            Self::UserRegistered { .. } => ChangeKind::UserRegistered,
            Self::UserChanged { .. } => ChangeKind::UserChanged,
            Self::UserDeleted { .. } => ChangeKind::UserDeleted,
            Self::UserEnabled { enabled: true, .. } => ChangeKind::UserEnabled,
            Self::UserEnabled { .. } => ChangeKind::UserDisabled,
            Self::UserMuted { .. } => ChangeKind::UserMuted,
            Self::UserOnline { .. } => ChangeKind::UserOnline,
            Self::UserOffline { .. } => ChangeKind::UserOffline,
            Self::UserDisconnected { .. } => ChangeKind::UserDisconnected,
            Self::PresenceChanged { .. } => ChangeKind::PresenceChanged,
            Self::ContactRequested { .. } => ChangeKind::ContactRequested,
            Self::ContactDeclined { .. } => ChangeKind::ContactDeclined,
            Self::ContactAdded { .. } => ChangeKind::ContactAdded,
            Self::ContactRemoved { .. } => ChangeKind::ContactRemoved,
            Self::UserBlocked { is_blocked: true, .. } => ChangeKind::UserBlocked,
            Self::UserBlocked { .. } => ChangeKind::UserUnblocked,
            Self::GroupCreated { .. } => ChangeKind::GroupCreated,
            Self::GroupDestroyed { .. } => ChangeKind::GroupDestroyed,
            Self::GroupUpdated { .. } => ChangeKind::GroupUpdated,
            Self::OwnerChanged { .. } => ChangeKind::OwnerChanged,
            Self::MembersJoined { .. } => ChangeKind::MembersJoined,
            Self::MembersLeft { .. } => ChangeKind::MembersLeft,
            Self::AdminsChanged { .. } => ChangeKind::AdminsChanged,
            Self::MembersMuted { .. } => ChangeKind::MembersMuted,
            Self::MembersBlocked { .. } => ChangeKind::MembersBlocked,
            Self::MembersAllowed { .. } => ChangeKind::MembersAllowed,
            Self::Announced { .. } => ChangeKind::Announced,
            Self::FileShared { is_shared: true, .. } => ChangeKind::FileShared,
            Self::FileShared { .. } => ChangeKind::FileRemoved,
            Self::MemberChanged { .. } => ChangeKind::MemberChanged,
            Self::AttributesChanged { .. } => ChangeKind::AttributesChanged,
            Self::Applied { .. } => ChangeKind::Applied,
            Self::ApplicationRejected { .. } => ChangeKind::ApplicationRejected,
            Self::Invited { .. } => ChangeKind::Invited,
            Self::InvitationDeclined { .. } => ChangeKind::InvitationDeclined,
        }
    }

    /// The name of its event.
    pub const fn name(&self) -> &'static str {
        self.kind().name()
    }

    /// The group that changed, or a user's part in it.
    pub const fn group(&self) -> Option<GroupChanged> {
        match self {
            Self::GroupCreated { group, .. }
            | Self::GroupDestroyed { group, .. }
            | Self::GroupUpdated { group, .. }
            | Self::OwnerChanged { group, .. }
            | Self::MembersJoined { group, .. }
            | Self::MembersLeft { group, .. }
            | Self::AdminsChanged { group, .. }
            | Self::MembersMuted { group, .. }
            | Self::MembersBlocked { group, .. }
            | Self::MembersAllowed { group, .. }
            | Self::Announced { group, .. }
            | Self::FileShared { group, .. }
            | Self::MemberChanged { group, .. }
            | Self::AttributesChanged { group, .. }
            | Self::Applied { group, .. }
            | Self::ApplicationRejected { group, .. }
            | Self::Invited { group, .. }
            | Self::InvitationDeclined { group, .. } => Some(*group),
            Self::UserRegistered { .. }
            | Self::UserChanged { .. }
            | Self::UserDeleted { .. }
            | Self::UserEnabled { .. }
            | Self::UserMuted { .. }
            | Self::UserOnline { .. }
            | Self::UserOffline { .. }
            | Self::UserDisconnected { .. }
            | Self::PresenceChanged { .. }
            | Self::ContactRequested { .. }
            | Self::ContactDeclined { .. }
            | Self::ContactAdded { .. }
            | Self::ContactRemoved { .. }
            | Self::UserBlocked { .. } => None,
        }
    }

    /// Every user that it is about, possibly more than once; of a presence not its subscribers.
    pub fn people(&self) -> Vec<UserId> {
        match self {
            Self::UserRegistered { user }
            | Self::UserChanged { user, .. }
            | Self::UserDeleted { user }
            | Self::UserEnabled { user, .. }
            | Self::UserMuted { user, .. }
            | Self::UserOnline { user, .. }
            | Self::UserOffline { user, .. }
            | Self::UserDisconnected { user, .. }
            | Self::PresenceChanged { user, .. }
            | Self::MemberChanged { user, .. }
            | Self::Applied { user, .. }
            | Self::ApplicationRejected { user, .. }
            | Self::InvitationDeclined { user, .. } => vec![*user],
            Self::ContactRequested { user: one, from: other, .. }
            | Self::ContactDeclined { user: one, from: other }
            | Self::ContactAdded { user: one, contact: other, .. }
            | Self::ContactRemoved { user: one, contact: other }
            | Self::UserBlocked { user: one, blocked: other, .. }
            | Self::OwnerChanged { from: one, to: other, .. } => vec![*one, *other],
            Self::GroupCreated { owner, members, .. } | Self::GroupDestroyed { owner, members, .. } => {
                [*owner].into_iter().chain(members.iter().copied()).collect()
            }
            Self::MembersJoined { users, .. }
            | Self::MembersLeft { users, .. }
            | Self::AdminsChanged { users, .. }
            | Self::MembersMuted { users, .. }
            | Self::MembersBlocked { users, .. }
            | Self::MembersAllowed { users, .. }
            | Self::Invited { users, .. } => users.clone(),
            Self::GroupUpdated { .. }
            | Self::Announced { .. }
            | Self::FileShared { .. }
            | Self::AttributesChanged { .. } => vec![],
        }
    }

    /// The users who become members with it.
    pub fn new_members(&self) -> Vec<UserId> {
        match self {
            Self::GroupCreated { owner, members, .. } => [*owner].into_iter().chain(members.iter().copied()).collect(),
            Self::MembersJoined { users, .. } => users.clone(),
            _ => Vec::new(),
        }
    }

    /// The conversation in whose order it belongs: of the group, of the two users, or of the app and the user.
    pub fn place(&self) -> ConversationId {
        if let Some(group) = self.group() {
            return group.conversation();
        }
        match self.people()[..] {
            [one, other] => ConversationId::direct(one, other),
            [user] => ConversationId::direct(UserId::ADMIN, user),
            _ => ConversationId::direct(UserId::ADMIN, UserId::ADMIN),
        }
    }
}
