//! Accepts or rejects an applicant.

use tidings_domain::{Caller, Change, Error, Joining, Reason, UserId};

use super::join::join;
use crate::{app::Core, store};

impl Core {
    /// Needs an admin. If the group is full, the application stays open.
    pub(crate) async fn decide_application(
        &self,
        caller: &Caller,
        group: i64,
        user: UserId,
        accept: bool,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let living = store::users::hold(&mut tx, caller.app, &[user]).await?;
        let (group, rights) = self.open_enabled_group(&mut tx, caller, group).await?;
        rights.need_admin()?;
        if !store::group_application::take(&mut tx, caller.app, group.id, user).await? {
            return Err(Error::new(Reason::ApplicationGone, user.to_string()));
        }
        if accept {
            let outcomes = join(&mut tx, caller, &group, &[user], &living, now, Joining::Accepted).await?;
            for (_, outcome) in outcomes {
                outcome?;
            }
        } else {
            let change = Change::ApplicationRejected { group: group.changed_group(), user };
            store::change::add(&mut tx, caller, now, &[change]).await?;
        }
        tx.commit().await
    }
}
