//! Transfers a group to another of its members.

use tidings_domain::{Caller, Change, Error, GroupRole, Reason, UserId};

use crate::{app::Core, model::group::Group, store};

impl Core {
    /// Needs the owner, who stays as a plain member. A mute of the new owner ends.
    pub(crate) async fn transfer_group(&self, caller: &Caller, group: i64, heir: UserId) -> Result<Group, Error> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let (mut group, rights) = self.open_enabled_group(&mut tx, caller, group).await?;
        rights.need_owner()?;
        let standing = store::group_member::standings(&mut tx, caller.app, group.id, &[heir]).await?;
        if !standing.iter().any(|standing| standing.role.is_some()) {
            return Err(Error::new(Reason::NewOwnerNotMember, heir.to_string()));
        }
        if heir != group.owner {
            store::group_member::set_roles(&mut tx, caller.app, group.id, &[group.owner], GroupRole::Member).await?;
            store::group_member::make_owners(&mut tx, caller.app, &[(group.id, heir)]).await?;
            store::group::set_owners(&mut tx, caller.app, &[(group.id, heir)], now).await?;
            let change = Change::OwnerChanged { group: group.changed_group(), from: group.owner, to: heir };
            store::change::add(&mut tx, caller, now, &[change]).await?;
            group = Group { owner: heir, updated_at: now, ..group };
        }
        let member_count = store::group_member::count(&mut tx, caller.app, group.id).await?;
        tx.commit().await?;
        Ok(Group { member_count, ..group }.at(now))
    }
}
