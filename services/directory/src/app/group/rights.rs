//! Who may do what in a group.

use tidings_domain::{Error, GroupRole, Reason, UserId};

use crate::model::group::Settings;

/// The authority with which a group is changed or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rights {
    /// The app itself may do everything.
    App,
    /// A user, with their role in the group.
    User(UserId, Option<GroupRole>),
}

impl Rights {
    /// Refuses non-members.
    pub(super) fn need_member(self) -> Result<(), Error> {
        self.need(GroupRole::Member, Reason::NotGroupMember)
    }

    /// Refuses users who are neither admin nor owner.
    pub(super) fn need_admin(self) -> Result<(), Error> {
        self.need(GroupRole::Admin, Reason::GroupAdminRequired)
    }

    /// Refuses non-members, and plain members unless they may invite others (`member_invite`).
    pub(super) fn need_inviter(self, settings: &Settings) -> Result<(), Error> {
        if settings.member_invite { self.need_member() } else { self.need_admin() }
    }

    /// Refuses users other than the owner.
    pub(super) fn need_owner(self) -> Result<(), Error> {
        self.need(GroupRole::Owner, Reason::GroupOwnerRequired)
    }

    /// Refuses non-members with `NOT_GROUP_MEMBER`, and members whose role is too low with `refusal`.
    fn need(self, least: GroupRole, refusal: Reason) -> Result<(), Error> {
        let Self::User(user, role) = self else {
            return Ok(());
        };
        match role {
            None => Err(Error::new(Reason::NotGroupMember, user.to_string())),
            Some(role) if role < least => Err(Error::new(refusal, user.to_string())),
            Some(_) => Ok(()),
        }
    }

    /// Refuses to remove, mute or block `target`: the owner is protected, and only the owner may do so to an admin.
    pub(super) fn check_power_over(self, target: UserId, role: Option<GroupRole>) -> Result<(), Error> {
        match role {
            Some(GroupRole::Owner) => Err(Error::new(Reason::GroupOwnerBound, target.to_string())),
            Some(GroupRole::Admin) => self.need_owner(),
            Some(GroupRole::Member) | None => Ok(()),
        }
    }
}
