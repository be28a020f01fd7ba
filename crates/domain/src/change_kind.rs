//! The kinds of changes, by the names of their events.

macro_rules! kinds {
    ($($variant:ident = $name:literal,)*) => {
        /// What changed: see [`crate::Change`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ChangeKind {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl ChangeKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name of its event: the subject, a dot, and the verb.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

kinds! {
    UserRegistered = "user.registered",
    UserChanged = "user.changed",
    UserDeleted = "user.deleted",
    UserEnabled = "user.enabled",
    UserDisabled = "user.disabled",
    UserMuted = "user.muted",
    UserOnline = "user.online",
    UserOffline = "user.offline",
    UserDisconnected = "user.disconnected",
    PresenceChanged = "user.presence",
    ContactRequested = "contact.requested",
    ContactDeclined = "contact.declined",
    ContactAdded = "contact.added",
    ContactRemoved = "contact.removed",
    UserBlocked = "user.blocked",
    UserUnblocked = "user.unblocked",
    GroupCreated = "group.created",
    GroupDestroyed = "group.destroyed",
    GroupUpdated = "group.updated",
    OwnerChanged = "group.transferred",
    MembersJoined = "group.joined",
    MembersLeft = "group.left",
    AdminsChanged = "group.admins_changed",
    MembersMuted = "group.mutes_changed",
    MembersBlocked = "group.blocks_changed",
    MembersAllowed = "group.allow_list_changed",
    Announced = "group.announced",
    FileShared = "group.file_shared",
    FileRemoved = "group.file_removed",
    MemberChanged = "group.member_changed",
    AttributesChanged = "group.attributes_changed",
    Applied = "group.applied",
    ApplicationRejected = "group.application_rejected",
    Invited = "group.invited",
    InvitationDeclined = "group.invitation_declined",
}

impl ChangeKind {
    /// The kind with that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}
