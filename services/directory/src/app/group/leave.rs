//! A user leaves a group, which is possible even while it is disabled.

use tidings_domain::{Caller, Change, Error, GroupRole, Leaving, Reason};

use super::leave_behind::leave_behind;
use crate::{
    app::{Core, subject::subject},
    store,
};

impl Core {
    /// The owner cannot leave, except a thread, which belongs to the group and not to them.
    pub(crate) async fn leave_group(&self, caller: &Caller, group: i64, user: Option<i64>) -> Result<(), Error> {
        let user = subject(caller, user)?;
        let mut tx = self.db.begin().await?;
        let (group, _) = self.open_group(&mut tx, caller, group).await?;
        let standing = store::group_member::standings(&mut tx, caller.app, group.id, &[user]).await?;
        match standing.first().and_then(|standing| standing.role) {
            None => return Err(Error::new(Reason::NotGroupMember, user.to_string())),
            Some(GroupRole::Owner) if !group.is_thread() => {
                return Err(Error::new(Reason::GroupOwnerBound, user.to_string()));
            }
            Some(_) => {}
        }
        store::group_member::delete(&mut tx, caller.app, group.id, &[user]).await?;
        let now = self.clock.now();
        leave_behind(&mut tx, caller, group.id, &[user], now).await?;
        let change = Change::MembersLeft { group: group.changed_group(), users: vec![user], how: Leaving::Left };
        store::change::add(&mut tx, caller, now, &[change]).await?;
        tx.commit().await
    }
}
