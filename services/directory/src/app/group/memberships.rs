//! What one user may do in groups. Runs for every message to a group, hence one statement each.

use tidings_domain::{Caller, Error, GroupKind, Membership};

use crate::{
    app::{Core, page::page, subject::subject},
    store,
};

const MAX_GROUPS: usize = 600;

impl Core {
    /// In those of `groups` that exist.
    pub(crate) async fn memberships(
        &self,
        caller: &Caller,
        user: Option<i64>,
        groups: &[i64],
    ) -> Result<Vec<Membership>, Error> {
        let user = subject(caller, user)?;
        if groups.len() > MAX_GROUPS {
            return Err(Error::invalid("group_ids", format!("must be at most {MAX_GROUPS}")));
        }
        store::membership::find(&self.db, caller.app, user, groups, self.clock.now()).await
    }

    /// In groups of a kind above `after` that the user is in, and where the next page starts.
    pub(crate) async fn joined(
        &self,
        caller: &Caller,
        user: Option<i64>,
        kind: GroupKind,
        after: i64,
        limit: i64,
    ) -> Result<(Vec<Membership>, Option<i64>), Error> {
        let user = subject(caller, user)?;
        let range = (after, limit + 1);
        let joined = store::membership::joined(&self.db, caller.app, user, kind, range, self.clock.now()).await?;
        Ok(page(joined, limit, |membership: &Membership| membership.group))
    }
}
