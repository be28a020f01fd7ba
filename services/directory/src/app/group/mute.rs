//! Mutes members, or unmutes them.

use tidings_domain::{Caller, Change, Error, Mute, UserId};

use super::outcomes::{accepted, members_under, standings};
use crate::{app::Core, model::group::Outcomes, store};

impl Core {
    /// Needs an admin; only the owner mutes an admin; the owner cannot be muted.
    pub(crate) async fn mute_members(
        &self,
        caller: &Caller,
        group: i64,
        users: &[UserId],
        mute: Mute,
    ) -> Result<Outcomes, Error> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let (group, rights) = self.open_enabled_group(&mut tx, caller, group).await?;
        rights.need_admin()?;
        let outcomes = members_under(&mut tx, caller.app, group.id, users, rights).await?;
        let before = standings(&mut tx, caller.app, group.id, users).await?;
        let is_new = |user: &UserId| before.get(user).is_some_and(|before| before.muted.at(now) != mute.at(now));
        let changed: Vec<UserId> = accepted(&outcomes).into_iter().filter(is_new).collect();
        store::group_member::mute(&mut tx, caller.app, group.id, &changed, mute).await?;
        let change =
            Change::MembersMuted { group: group.changed_group(), users: changed, until_ms: mute.at(now).millis() };
        store::change::add(&mut tx, caller, now, &[change]).await?;
        tx.commit().await?;
        Ok(outcomes)
    }
}
