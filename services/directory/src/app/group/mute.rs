//! Mutes members, or unmutes them.

use tidings_domain::{Caller, Error, Mute, UserId};

use super::outcomes::{accepted, members_under};
use crate::{app::Core, model::group::Outcomes, store};

impl Core {
    /// Needs an admin; only the owner mutes an admin, nobody the owner.
    pub(crate) async fn mute_members(
        &self,
        caller: &Caller,
        group: i64,
        users: &[UserId],
        mute: Mute,
    ) -> Result<Outcomes, Error> {
        let mut tx = self.db.begin().await?;
        let (_, rights) = self.open_enabled_group(&mut tx, caller, group).await?;
        rights.need_admin()?;
        let outcomes = members_under(&mut tx, caller.app, group, users, rights).await?;
        store::group_member::mute(&mut tx, caller.app, group, &accepted(&outcomes), mute).await?;
        tx.commit().await?;
        Ok(outcomes)
    }
}
