//! Makes members admins, or plain members again.

use tidings_domain::{Caller, Change, Error, GroupRole, Reason, UserId};

use super::outcomes::{accepted, standings};
use crate::{app::Core, model::group::Outcomes, store};

impl Core {
    /// Needs the owner, whose own role does not change.
    pub(crate) async fn set_admins(
        &self,
        caller: &Caller,
        group: i64,
        users: &[UserId],
        admin: bool,
    ) -> Result<Outcomes, Error> {
        let mut tx = self.db.begin().await?;
        let (group, rights) = self.open_enabled_group(&mut tx, caller, group).await?;
        rights.need_owner()?;
        let standings = standings(&mut tx, caller.app, group.id, users).await?;
        let outcome = |user: UserId| match standings.get(&user).and_then(|standing| standing.role) {
            None => Err(Error::new(Reason::NotGroupMember, user.to_string())),
            Some(GroupRole::Owner) => Err(Error::new(Reason::GroupOwnerBound, user.to_string())),
            Some(GroupRole::Member | GroupRole::Admin) => Ok(()),
        };
        let outcomes: Outcomes = users.iter().map(|user| (*user, outcome(*user))).collect();
        let role = if admin { GroupRole::Admin } else { GroupRole::Member };
        let is_new = |user: &UserId| standings.get(user).and_then(|before| before.role) != Some(role);
        let changed: Vec<UserId> = accepted(&outcomes).into_iter().filter(is_new).collect();
        store::group_member::set_roles(&mut tx, caller.app, group.id, &changed, role).await?;
        let change = Change::AdminsChanged { group: group.changed_group(), users: changed, admin };
        store::change::add(&mut tx, caller, self.clock.now(), &[change]).await?;
        tx.commit().await?;
        Ok(outcomes)
    }
}
