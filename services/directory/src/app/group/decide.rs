//! Accepts or rejects an applicant.

use tidings_domain::{Caller, Error, Reason, UserId};

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
        let mut tx = self.db.begin().await?;
        let living = store::users::hold(&mut tx, caller.app, &[user]).await?;
        let (group, rights) = self.open_enabled_group(&mut tx, caller, group).await?;
        rights.need_admin()?;
        if !store::group_application::take(&mut tx, caller.app, group.id, user).await? {
            return Err(Error::new(Reason::ApplicationGone, user.to_string()));
        }
        if accept {
            for (_, outcome) in join(&mut tx, caller.app, &group, &[user], &living, self.clock.now()).await? {
                outcome?;
            }
        }
        tx.commit().await
    }
}
