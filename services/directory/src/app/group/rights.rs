//! Who may do what in a group.

use tidings_domain::{Error, GroupRole, Reason, UserId};

/// On whose authority a group is changed or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rights {
    /// The app itself may do everything.
    App,
    /// A user, with his role in the group.
    User(UserId, Option<GroupRole>),
}

impl Rights {
    /// Refuses who is no member.
    pub(super) fn need_member(self) -> Result<(), Error> {
        self.need(GroupRole::Member, Reason::NotGroupMember)
    }

    /// Refuses who is neither admin nor owner.
    pub(super) fn need_admin(self) -> Result<(), Error> {
        self.need(GroupRole::Admin, Reason::GroupAdminRequired)
    }

    /// Refuses who is not the owner.
    pub(super) fn need_owner(self) -> Result<(), Error> {
        self.need(GroupRole::Owner, Reason::GroupOwnerRequired)
    }

    /// Refuses who is no member with `NOT_GROUP_MEMBER`, and a member whose role is too low with `refusal`.
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

    /// Refuses to put out, mute or block `target`: nobody does so to the owner, and only the owner to an admin.
    pub(super) fn check_power_over(self, target: UserId, role: Option<GroupRole>) -> Result<(), Error> {
        match role {
            Some(GroupRole::Owner) => Err(Error::new(Reason::GroupOwnerBound, target.to_string())),
            Some(GroupRole::Admin) => self.need_owner(),
            Some(GroupRole::Member) | None => Ok(()),
        }
    }
}
