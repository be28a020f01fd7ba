//! Changes a group's profile and settings.

use tidings_domain::{Actor, Caller, Error};

use crate::{
    app::Core,
    model::group::{Group, GroupChange},
    store,
};

impl Core {
    /// Needs an admin; a plain member may change name, description and avatar where `member_modify` is set, and only
    /// the app itself enables and disables.
    pub(crate) async fn update_group(&self, caller: &Caller, group: i64, change: GroupChange) -> Result<Group, Error> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let (before, rights) = self.open_enabled_group(&mut tx, caller, group).await?;
        if before.settings.member_modify && change.settings.is_empty() {
            rights.need_member()?;
        } else {
            rights.need_admin()?;
        }
        if change.enabled.is_some() && caller.actor != Actor::App {
            return Err(Error::not_permitted("only the app itself enables and disables groups"));
        }
        let after = if change.is_empty() { before.clone() } else { before.clone().changed(change, now)? };
        store::group::update(&mut tx, caller.app, &after).await?;
        store::change::add(&mut tx, caller, now, before.difference(&after, now).as_slice()).await?;
        let member_count = store::group_member::count(&mut tx, caller.app, group).await?;
        tx.commit().await?;
        Ok(Group { member_count, ..after }.at(now))
    }
}
