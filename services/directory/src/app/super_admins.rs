//! Super admins: users who may create rooms in the Agora dialect. Only the app itself appoints them.

use tidings_domain::{Actor, Caller, Error, Reason, UserId};

use super::{Core, page::page};
use crate::store;

impl Core {
    /// False if nothing changed.
    pub(crate) async fn set_super_admin(&self, caller: &Caller, user: UserId, is_one: bool) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let living = store::users::hold(&mut tx, caller.app, &[user]).await?;
        if !living.contains(&user) {
            return Err(Error::user_not_found(user.to_string()));
        }
        let changed = if is_one {
            store::super_admin::add(&mut tx, caller.app, user, self.clock.now()).await?
        } else {
            store::super_admin::remove(&mut tx, caller.app, user).await?
        };
        tx.commit().await?;
        Ok(changed)
    }

    /// Those with ids above `after` and their names, and where the next page starts.
    pub(crate) async fn list_super_admins(
        &self,
        caller: &Caller,
        after: i64,
        limit: i64,
    ) -> Result<(Vec<(UserId, String)>, Option<i64>), Error> {
        let found = store::super_admin::list(&self.db, caller.app, after, limit + 1).await?;
        Ok(page(found, limit, |(user, _): &(UserId, String)| user.0))
    }

    /// Refuses users who are none; the app itself may do everything.
    pub(super) async fn need_super_admin(&self, caller: &Caller) -> Result<(), Error> {
        let Actor::User(user) = caller.actor else {
            return Ok(());
        };
        if store::super_admin::is_one(&self.db, caller.app, user).await? {
            return Ok(());
        }
        Err(Error::new(Reason::AppTokenRequired, ""))
    }
}
