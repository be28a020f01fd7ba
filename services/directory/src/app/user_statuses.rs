//! Which users are online.

use std::collections::HashSet;

use tidings_domain::{Caller, Error, UserId, UserRef};

use super::Core;

/// Users per call (agora.md 10.2).
const MAX_USERS: usize = 100;

impl Core {
    /// Whether each has a live session, in the order of the request. `None` where there is no such user.
    pub(crate) async fn user_statuses(
        &self,
        caller: &Caller,
        users: &[UserRef],
    ) -> Result<Vec<Option<(UserId, bool)>>, Error> {
        if !(1..=MAX_USERS).contains(&users.len()) {
            return Err(Error::invalid("users", format!("must be 1 to {MAX_USERS}")));
        }
        let found = self.registered_users(caller.app, users).await?;
        let ids: Vec<UserId> = found.iter().flatten().map(|user| user.id).collect();
        let live = self.live_sessions(caller.app, &ids).await?;
        let online: HashSet<UserId> = live.into_iter().map(|(user, _)| user).collect();
        Ok(found.into_iter().map(|user| user.map(|user| (user.id, online.contains(&user.id)))).collect())
    }
}
