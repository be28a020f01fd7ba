//! Contacts. Two users who are contacts have a row each, and both totals count it.

mod add;
mod ask_hooks;
mod decide;
mod list;
mod remove;
mod request;
mod update;

pub(crate) use self::add::Imported;

use std::collections::HashMap;

use tidings_domain::{Caller, Change, Error, Policy, Reason, UnixMillis, UserId};
use tidings_store::Tx;

use super::Core;
use crate::{
    model::{
        AppKey,
        contact::{NewContact, REQUEST_LIFETIME},
    },
    store,
};

/// One of two users of a new relation, for the words of a refusal.
#[derive(Debug, Clone, Copy)]
enum Side {
    Inviter,
    Invitee,
}

impl Side {
    /// The user has as many contacts as the app allows.
    fn full(self) -> Error {
        let name = match self {
            Self::Inviter => "Inviter",
            Self::Invitee => "Invitee",
        };
        Error::new(Reason::ContactsFull, name)
    }

    /// Refuses when the user has as many contacts as the app allows.
    fn check(self, contacts: i64, policy: &Policy) -> Result<(), Error> {
        if contacts.unsigned_abs() < policy.max_contacts { Ok(()) } else { Err(self.full()) }
    }
}

/// What one user notes about the other, once they are contacts.
#[derive(Debug, Default)]
struct Remarks {
    /// The user's on the other.
    own: String,
    /// The other's on the user.
    other: String,
}

/// The moment after which requests that still wait were made.
fn expired(now: UnixMillis) -> UnixMillis {
    UnixMillis(now.0 - REQUEST_LIFETIME.as_millis() as i64)
}

impl Core {
    async fn contact_policy(&self, caller: &Caller) -> Result<Policy, Error> {
        Ok(self.known_app(&AppKey::Id(caller.app)).await?.app.policy.clone())
    }

    /// Refuses when one of the users is not registered: those who were only mentioned have no contacts.
    async fn check_registered(&self, caller: &Caller, users: &[UserId]) -> Result<(), Error> {
        let found = store::users::find_by_ids(&self.db, caller.app, users).await?;
        let is_there = |user: &UserId| found.iter().any(|found| found.id == *user && found.registered);
        match users.iter().find(|user| !is_there(user)) {
            Some(missing) => Err(Error::user_not_found(missing.to_string())),
            None => Ok(()),
        }
    }
}

fn check_other(user: UserId, other: UserId, field: &str) -> Result<(), Error> {
    if user == other { Err(Error::invalid(field, "must be another user")) } else { Ok(()) }
}

/// Keeps both users from being deleted, and locks their totals: until the transaction ends nothing else changes their
/// relations.
async fn lock_pair(tx: &mut Tx, caller: &Caller, user: UserId, other: UserId) -> Result<HashMap<UserId, i64>, Error> {
    let living = store::users::hold(tx, caller.app, &[user, other]).await?;
    if let Some(missing) = [user, other].iter().find(|user| !living.contains(user)) {
        return Err(Error::user_not_found(missing.to_string()));
    }
    store::contact_total::lock(tx, caller.app, &[user, other]).await
}

/// Makes `user` and `others`, who are not contacts of theirs, contacts. All totals are locked. `accepted`: they had
/// sent a request.
async fn connect(
    tx: &mut Tx,
    caller: &Caller,
    user: UserId,
    others: Vec<(UserId, Remarks)>,
    (accepted, now): (bool, UnixMillis),
) -> Result<(), Error> {
    let ids: Vec<UserId> = others.iter().map(|(other, _)| *other).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let rows = others.into_iter().flat_map(|(other, remarks)| {
        [
            NewContact { user, contact: other, remark: remarks.own },
            NewContact { user: other, contact: user, remark: remarks.other },
        ]
    });
    store::contact::insert(tx, caller.app, &rows.collect::<Vec<_>>(), now).await?;
    let own = (user, ids.len() as i64);
    let totals: Vec<(UserId, i64)> = ids.iter().map(|other| (*other, 1)).chain([own]).collect();
    store::contact_total::add(tx, caller.app, &totals).await?;
    store::contact_request::settle(tx, caller.app, user, &ids).await?;
    let changes: Vec<Change> =
        ids.into_iter().map(|contact| Change::ContactAdded { user, contact, accepted }).collect();
    store::change::add(tx, caller, now, &changes).await
}
