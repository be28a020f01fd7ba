//! Lists threads.

use tidings_domain::{Actor, Caller, Error, Reason};

use crate::{
    app::{Core, page::page, subject::subject},
    store::thread::{self, Listed, Range, Scope},
};

impl Core {
    /// All threads of the app, for the app itself; of a group, for its members, as far as they see them; those that a user is
    /// in, for that user.
    /// And the place and id after which the next page starts.
    pub(crate) async fn list_threads(
        &self,
        caller: &Caller,
        user: Option<i64>,
        group: i64,
        range: Range,
    ) -> Result<(Vec<Listed>, Option<(i64, i64)>), Error> {
        if group != 0 {
            self.group_rights(caller, group).await?.need_member()?;
        }
        let scope = match (user, group) {
            (Some(user), group) => Scope::User(subject(caller, Some(user))?, group),
            (None, 0) if caller.actor == Actor::App => Scope::App,
            (None, 0) => return Err(Error::new(Reason::AppTokenRequired, "")),
            (None, group) => Scope::Group(group),
        };
        let one_more = Range { limit: range.limit + 1, ..range };
        let found = thread::list(&self.db, caller.app, scope, one_more).await?;
        let (mut threads, next) = page(found, range.limit, |thread: &Listed| (thread.place, thread.id));
        if let (Actor::User(user), Scope::Group(_)) = (caller.actor, scope) {
            let hidden: Vec<i64> = threads.iter().filter(|thread| thread.is_hidden).map(|thread| thread.id).collect();
            if !hidden.is_empty() {
                let own = self.memberships_of(caller.app, user, &hidden).await?;
                threads.retain(|thread| !thread.is_hidden || own.contains(&thread.id));
            }
        }
        Ok((threads, next))
    }
}
