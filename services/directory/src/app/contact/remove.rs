//! Ends the relation of two contacts.

use tidings_domain::{Caller, Change, Error, UserId};

use super::{check_other, lock_pair};
use crate::{
    app::{Core, subject::subject},
    store,
};

impl Core {
    /// Whether that changed anything. Pending requests stay pending, and block lists do not change.
    pub(crate) async fn remove_contact(
        &self,
        caller: &Caller,
        user: Option<i64>,
        other: UserId,
    ) -> Result<bool, Error> {
        let user = subject(caller, user)?;
        check_other(user, other, "contact_id")?;
        self.check_registered(caller, &[user, other]).await?;
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        lock_pair(&mut tx, caller, user, other).await?;
        if !store::contact::delete(&mut tx, caller.app, user, other).await? {
            return Ok(false);
        }
        store::contact_total::add(&mut tx, caller.app, &[(user, -1), (other, -1)]).await?;
        let change = Change::ContactRemoved { user, contact: other };
        store::change::add(&mut tx, caller, now, &[change]).await?;
        tx.commit().await?;
        Ok(true)
    }
}
