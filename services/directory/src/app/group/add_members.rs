//! Adds users to a group at once.

use tidings_domain::{Actor, Caller, Error, Joining, UserId};

use super::{
    ask_hooks::{admitted, together},
    join::join,
};
use crate::{app::Core, model::group::Outcomes, store};

impl Core {
    /// Where users must accept an invitation first (`invite_confirm`), only the app itself adds them.
    /// Needs an admin, or any member where `member_invite` is set.
    pub(crate) async fn add_members(&self, caller: &Caller, group: i64, users: &[UserId]) -> Result<Outcomes, Error> {
        let refused = self.ask_invitation(caller, group, users).await?;
        let admitted = admitted(users, &refused);
        if admitted.is_empty() {
            return Ok(refused);
        }
        let mut tx = self.db.begin().await?;
        let living = store::users::hold(&mut tx, caller.app, &admitted).await?;
        let (group, rights) = self.open_enabled_group(&mut tx, caller, group).await?;
        rights.need_inviter(&group.settings)?;
        if group.settings.invite_confirm && caller.actor != Actor::App {
            return Err(Error::not_permitted("this group asks users first, invite them"));
        }
        let outcomes = join(&mut tx, caller, &group, &admitted, &living, self.clock.now(), Joining::Added).await?;
        tx.commit().await?;
        Ok(together(users, refused, outcomes))
    }
}
