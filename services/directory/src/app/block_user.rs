//! Users' own block lists: senders they accept no messages and no requests from. Contacts stay contacts.

use tidings_domain::{Caller, Change, Error, Reason, UserId};

use super::{Core, page::page, subject::subject};
use crate::{model::AppKey, store};

const MAX_USERS: usize = 600;

/// Who must not receive messages of a user.
#[derive(Debug, Default)]
pub(crate) struct RefusingReceivers {
    /// They have blocked the sender.
    pub(crate) blockers: Vec<UserId>,
    /// They are not contacts of the sender.
    pub(crate) strangers: Vec<UserId>,
}

impl Core {
    /// Whose state changed, ascending. Users change only their own list.
    pub(crate) async fn block_users(
        &self,
        caller: &Caller,
        user: Option<i64>,
        (field, others): (&str, &[UserId]),
        blocked: bool,
    ) -> Result<Vec<UserId>, Error> {
        let user = subject(caller, user)?;
        if !(1..=MAX_USERS).contains(&others.len()) {
            return Err(Error::invalid(field, format!("must be 1 to {MAX_USERS}")));
        }
        let mut others = others.to_vec();
        others.sort_unstable();
        others.dedup();
        if others.contains(&user) {
            return Err(Error::invalid(field, "must be another user"));
        }
        let most = self.known_app(&AppKey::Id(caller.app)).await?.app.policy.max_blocked_users as i64;
        let (app, now) = (caller.app, self.clock.now());
        let mut tx = self.db.begin().await?;
        let all: Vec<UserId> = [user].into_iter().chain(others.iter().copied()).collect();
        let living = store::users::hold(&mut tx, app, &all).await?;
        if let Some(missing) = all.iter().find(|user| !living.contains(user)) {
            return Err(Error::user_not_found(missing.to_string()));
        }
        store::contact_total::lock(&mut tx, app, &[user]).await?;
        let listed = store::user_block::among(&mut tx, app, user, &others).await?;
        others.retain(|other| listed.contains(other) != blocked);
        if others.is_empty() {
            return Ok(others);
        }
        if blocked {
            let room = most - others.len() as i64;
            if store::user_block::count(&mut tx, app, user).await? > room {
                return Err(Error::new(Reason::BlockListFull, user.to_string()));
            }
            store::user_block::insert(&mut tx, app, user, &others).await?;
            store::contact_request::take_all(&mut tx, app, user, &others).await?;
        } else {
            store::user_block::delete(&mut tx, app, user, &others).await?;
        }
        let change = |other: &UserId| Change::UserBlocked { user, blocked: *other, is_blocked: blocked };
        let changes: Vec<Change> = others.iter().map(change).collect();
        store::change::add(&mut tx, caller, now, &changes).await?;
        tx.commit().await?;
        Ok(others)
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

    /// Those of `by` that have blocked the sender, and with `contacts_only` those that are not contacts of theirs. Runs
    /// for every message to a user, hence one statement for each.
    pub(crate) async fn blocked_by(
        &self,
        caller: &Caller,
        sender: Option<i64>,
        by: &[UserId],
        contacts_only: bool,
    ) -> Result<RefusingReceivers, Error> {
        let sender = subject(caller, sender)?;
        if by.len() > MAX_USERS {
            return Err(Error::invalid("by_ids", format!("must be at most {MAX_USERS}")));
        }
        let blockers = store::user_block::blocking(&self.db, caller.app, sender, by).await?;
        let strangers = if contacts_only {
            let contacts = store::contact::among(&self.db, caller.app, sender, by).await?;
            by.iter().copied().filter(|user| *user != sender && !contacts.contains(user)).collect()
        } else {
            Vec::new()
        };
        Ok(RefusingReceivers { blockers, strangers })
    }
}
