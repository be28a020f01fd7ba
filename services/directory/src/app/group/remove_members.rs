//! Removes users from a group.

use tidings_domain::{Caller, Change, Error, Leaving, UserId};

use super::{
    leave_behind::leave_behind,
    outcomes::{accepted, members_under},
};
use crate::{app::Core, model::group::Outcomes, store};

impl Core {
    /// Needs an admin; only the owner can remove an admin; the owner cannot be removed.
    pub(crate) async fn remove_members(
        &self,
        caller: &Caller,
        group: i64,
        users: &[UserId],
    ) -> Result<Outcomes, Error> {
        let mut tx = self.db.begin().await?;
        let (group, rights) = self.open_enabled_group(&mut tx, caller, group).await?;
        rights.need_admin()?;
        let outcomes = members_under(&mut tx, caller.app, group.id, users, rights).await?;
        let removed = accepted(&outcomes);
        store::group_member::delete(&mut tx, caller.app, group.id, &removed).await?;
        let now = self.clock.now();
        leave_behind(&mut tx, caller, group.id, &removed, now).await?;
        let change = Change::MembersLeft { group: group.changed_group(), users: removed, how: Leaving::Removed };
        store::change::add(&mut tx, caller, now, &[change]).await?;
        tx.commit().await?;
        Ok(outcomes)
    }
}
