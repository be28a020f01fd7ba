//! Ends a group; its messages stay in the log.

use tidings_domain::{Caller, Change, Error};

use super::shared_files::release_all;
use crate::{app::Core, model::group::Group, store};

impl Core {
    /// Needs the owner. Its threads end before it, in several transactions if they are many. Returns the group as it was.
    pub(crate) async fn destroy_group(&self, caller: &Caller, group: i64) -> Result<Group, Error> {
        let now = self.clock.now();
        while self.end_threads(caller, group, now).await? {}
        let mut tx = self.db.begin().await?;
        let (group, rights) = self.open_enabled_group(&mut tx, caller, group).await?;
        rights.need_owner()?;
        let member_count = store::group_member::count(&mut tx, caller.app, group.id).await?;
        let mut members = store::group_member::some(&mut tx, caller.app, group.id, Change::MAX_USERS).await?;
        members.retain(|member| *member != group.owner);
        release_all(&mut tx, caller, &[group.id], now).await?;
        store::group::end(&mut tx, caller.app, &[group.id], now).await?;
        let (owner, name) = (group.owner, group.name.clone());
        let change = Change::GroupDestroyed { group: group.changed_group(), owner, name, members };
        store::change::add(&mut tx, caller, now, &[change]).await?;
        tx.commit().await?;
        Ok(Group { member_count, ..group }.at(now))
    }
}
