//! The allow list of a group: members who may speak while all are muted.

use tidings_domain::{Actor, Caller, Change, Error, UserId};

use super::outcomes::{accepted, members};
use crate::{
    app::Core,
    model::group::{MemberPage, Outcomes},
    store::{
        self,
        group_list::{self, ALLOWED},
    },
};

impl Core {
    /// Needs an admin. The owner, who may always speak, is refused.
    pub(crate) async fn allow_members(
        &self,
        caller: &Caller,
        group: i64,
        users: &[UserId],
        allowed: bool,
    ) -> Result<Outcomes, Error> {
        let mut tx = self.db.begin().await?;
        let (group, rights) = self.open_enabled_group(&mut tx, caller, group).await?;
        rights.need_admin()?;
        let outcomes = members(&mut tx, caller.app, group.id, users).await?;
        let before = group_list::among_allowed(&mut tx, caller.app, group.id, users).await?;
        let mut changed = accepted(&outcomes);
        changed.retain(|user| before.contains(user) != allowed);
        if allowed {
            ALLOWED.insert(&mut tx, caller.app, group.id, &changed).await?;
        } else {
            ALLOWED.delete(&mut tx, caller.app, group.id, &changed).await?;
        }
        if !changed.is_empty() {
            let group = group.changed_group();
            let change = Change::MembersAllowed { group, users: changed, is_allowed: allowed };
            store::change::add(&mut tx, caller, self.clock.now(), &[change]).await?;
        }
        tx.commit().await?;
        Ok(outcomes)
    }

    /// Needs an admin. With `only`, at most that user is listed, and users may ask for themselves.
    pub(crate) async fn list_allowed(
        &self,
        caller: &Caller,
        group: i64,
        only: Option<UserId>,
        (after, limit): (i64, i64),
    ) -> Result<MemberPage, Error> {
        let rights = self.group_rights(caller, group).await?;
        let Some(only) = only else {
            rights.need_admin()?;
            return self.page_of(&ALLOWED, caller.app, group, (after, limit)).await;
        };
        if caller.actor == Actor::User(only) {
            rights.need_member()?;
        } else {
            rights.need_admin()?;
        }
        let mut found = ALLOWED.list(&self.db, caller.app, group, only.0 - 1, 1).await?;
        found.retain(|member| member.user == only);
        Ok(MemberPage { total: found.len() as i64, members: found, next: None })
    }
}
