//! Users' own block lists: senders they accept no messages from.

use tidings_domain::{Caller, Error, UserId};

use super::{Core, page::page, subject::subject};
use crate::store;

const MAX_USERS: usize = 600;

impl Core {
    /// Whether that changed anything. Users change only their own list.
    pub(crate) async fn block_user(
        &self,
        caller: &Caller,
        user: Option<i64>,
        other: UserId,
        blocked: bool,
    ) -> Result<bool, Error> {
        let user = subject(caller, user)?;
        if user == other {
            return Err(Error::invalid("blocked_id", "must be another user"));
        }
        let mut tx = self.db.begin().await?;
        let living = store::users::hold(&mut tx, caller.app, &[user, other]).await?;
        if let Some(missing) = [user, other].iter().find(|user| !living.contains(user)) {
            return Err(Error::user_not_found(missing.to_string()));
        }
        let changed = if blocked {
            store::user_block::insert(&mut tx, caller.app, user, other).await?
        } else {
            store::user_block::delete(&mut tx, caller.app, user, other).await?
        };
        tx.commit().await?;
        Ok(changed)
    }

    /// The users on the list, above `after`, and where the next page starts.
    pub(crate) async fn list_blocked_users(
        &self,
        caller: &Caller,
        user: Option<i64>,
        after: i64,
        limit: i64,
    ) -> Result<(Vec<UserId>, Option<UserId>), Error> {
        let user = subject(caller, user)?;
        let blocked = store::user_block::list(&self.db, caller.app, user, after, limit + 1).await?;
        Ok(page(blocked, limit, |user| *user))
    }

    /// Those of `by` that have blocked the sender. Runs for every message to a user, hence one statement.
    pub(crate) async fn blocked_by(
        &self,
        caller: &Caller,
        sender: Option<i64>,
        by: &[UserId],
    ) -> Result<Vec<UserId>, Error> {
        let sender = subject(caller, sender)?;
        if by.len() > MAX_USERS {
            return Err(Error::invalid("by_ids", format!("must be at most {MAX_USERS}")));
        }
        store::user_block::blocking(&self.db, caller.app, sender, by).await
    }
}
