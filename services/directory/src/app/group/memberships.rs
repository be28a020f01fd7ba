//! What one user may do in groups. Runs for every message to a group, hence one statement each.

use tidings_domain::{Caller, Error, GroupKind, Membership, UserId};

use crate::{
    app::{Core, page::page, subject::subject},
    model::group::Part,
    store::{self, membership::UserPlace},
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

    /// Every group, room and thread that the user is in, and their contacts if they are asked for.
    pub(crate) async fn user_places(
        &self,
        caller: &Caller,
        user: Option<i64>,
        with_contacts: bool,
    ) -> Result<(Vec<UserPlace>, Vec<UserId>), Error> {
        let user = subject(caller, user)?;
        let contacts = async {
            if with_contacts { store::contact::ids(&self.db, caller.app, user).await } else { Ok(Vec::new()) }
        };
        tokio::try_join!(store::membership::places(&self.db, caller.app, user), contacts)
    }

    /// In a part of the groups of a kind that the user is in, and where the next page starts.
    pub(crate) async fn joined(
        &self,
        caller: &Caller,
        user: Option<i64>,
        kind: GroupKind,
        part: Part,
    ) -> Result<(Vec<Membership>, Option<i64>), Error> {
        let user = subject(caller, user)?;
        let one_more = Part { limit: part.limit + 1, ..part };
        let joined = store::membership::joined(&self.db, caller.app, user, kind, one_more, self.clock.now()).await?;
        Ok(page(joined, part.limit, |membership: &Membership| membership.group))
    }

    /// In how many groups of a kind the user is.
    pub(crate) async fn count_joined(&self, caller: &Caller, user: Option<i64>, kind: GroupKind) -> Result<i64, Error> {
        store::membership::count_joined(&self.db, caller.app, subject(caller, user)?, kind).await
    }
}
