//! Forbids members to speak, or allows it again.

use tidings_domain::{Caller, Error, Mute, Reason, UserId};

use super::outcomes::{accepted, standings};
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
        let standings = standings(&mut tx, caller.app, group, users).await?;
        let outcome = |user: UserId| match standings.get(&user).and_then(|standing| standing.role) {
            None => Err(Error::new(Reason::NotGroupMember, user.to_string())),
            role => rights.check_power_over(user, role),
        };
        let outcomes: Outcomes = users.iter().map(|user| (*user, outcome(*user))).collect();
        store::group_member::mute(&mut tx, caller.app, group, &accepted(&outcomes), mute).await?;
        tx.commit().await?;
        Ok(outcomes)
    }
}
