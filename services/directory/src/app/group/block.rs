//! The block list of a group: users on it are removed from the group and cannot join again.

use tidings_domain::{Caller, Change, Error, Leaving, UserId};

use super::{
    leave_behind::leave_behind,
    outcomes::{accepted, standings},
};
use crate::{
    app::Core,
    model::group::Outcomes,
    store::{self, group_list::BLOCKED},
};

impl Core {
    /// Needs an admin; only the owner blocks an admin; the owner cannot be blocked. Non-members can be blocked too.
    pub(crate) async fn block_members(
        &self,
        caller: &Caller,
        group: i64,
        users: &[UserId],
        blocked: bool,
    ) -> Result<Outcomes, Error> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let living = store::users::hold(&mut tx, caller.app, users).await?;
        let (group, rights) = self.open_enabled_group(&mut tx, caller, group).await?;
        rights.need_admin()?;
        let standings = standings(&mut tx, caller.app, group.id, users).await?;
        let outcome = |user: UserId| {
            if !living.contains(&user) {
                return Err(Error::user_not_found(user.to_string()));
            }
            if !blocked {
                return Ok(());
            }
            rights.check_power_over(user, standings.get(&user).and_then(|standing| standing.role))
        };
        let outcomes: Outcomes = users.iter().map(|user| (*user, outcome(*user))).collect();
        let accepted = accepted(&outcomes);
        let is_changed = |user: &UserId| standings.get(user).is_some_and(|before| before.blocked) != blocked;
        let changed: Vec<UserId> = accepted.iter().copied().filter(is_changed).collect();
        let is_member = |user: &UserId| standings.get(user).is_some_and(|before| before.role.is_some());
        let left = if blocked { accepted.iter().copied().filter(is_member).collect() } else { vec![] };
        if blocked {
            store::group_member::delete(&mut tx, caller.app, group.id, &left).await?;
            leave_behind(&mut tx, caller, group.id, &left, now).await?;
            store::group_application::delete(&mut tx, caller.app, group.id, &accepted).await?;
            store::group_invitation::delete(&mut tx, caller.app, group.id, &accepted).await?;
            BLOCKED.insert(&mut tx, caller.app, group.id, &changed).await?;
        } else {
            BLOCKED.delete(&mut tx, caller.app, group.id, &changed).await?;
        }
        let group = group.changed_group();
        let changes = [
            Change::MembersLeft { group, users: left, how: Leaving::Blocked },
            Change::MembersBlocked { group, users: changed, is_blocked: blocked },
        ];
        store::change::add(&mut tx, caller, now, &changes).await?;
        tx.commit().await?;
        Ok(outcomes)
    }
}
