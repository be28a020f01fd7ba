//! Removes users from a group.

use tidings_domain::{Caller, Error, UserId};

use super::outcomes::{accepted, members_under};
use crate::{app::Core, model::group::Outcomes, store};

impl Core {
    /// Needs an admin; only the owner can remove an admin, nobody the owner.
    pub(crate) async fn remove_members(
        &self,
        caller: &Caller,
        group: i64,
        users: &[UserId],
    ) -> Result<Outcomes, Error> {
        let mut tx = self.db.begin().await?;
        let (_, rights) = self.open_enabled_group(&mut tx, caller, group).await?;
        rights.need_admin()?;
        let outcomes = members_under(&mut tx, caller.app, group, users, rights).await?;
        store::group_member::delete(&mut tx, caller.app, group, &accepted(&outcomes)).await?;
        tx.commit().await?;
        Ok(outcomes)
    }
}
