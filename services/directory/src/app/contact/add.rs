//! Adds contacts without asking them, which only the app itself does.

use std::collections::HashSet;

use tidings_domain::{Caller, Error, Reason, UserId, UserRef};

use super::{Remarks, Side, check_other, connect, lock_pair};
use crate::{
    app::{
        Core,
        subject::{not_found, subject},
    },
    store,
};

/// Maximum number of users per call.
const MAX_USERS: usize = 600;

/// What became of one user of an import: their id, or 0 if there is none.
pub(crate) type Imported = (UserRef, UserId, Result<(), Error>);

impl Core {
    /// Whether that changed anything.
    pub(crate) async fn add_contact(&self, caller: &Caller, user: Option<i64>, other: UserId) -> Result<bool, Error> {
        let user = subject(caller, user)?;
        check_other(user, other, "contact_id")?;
        self.check_registered(caller, &[user, other]).await?;
        let (policy, now) = (self.contact_policy(caller).await?, self.clock.now());
        let mut tx = self.db.begin().await?;
        let totals = lock_pair(&mut tx, caller, user, other).await?;
        if !store::contact::among_in(&mut tx, caller.app, user, &[other]).await?.is_empty() {
            return Ok(false);
        }
        Side::Inviter.check(totals.get(&user).copied().unwrap_or(0), &policy)?;
        Side::Invitee.check(totals.get(&other).copied().unwrap_or(0), &policy)?;
        connect(&mut tx, caller, user, vec![(other, Remarks::default())], (false, now)).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The outcomes in the order of the request, each user once. Who is a contact already is not a failure.
    pub(crate) async fn import_contacts(
        &self,
        caller: &Caller,
        user: Option<i64>,
        others: Vec<UserRef>,
    ) -> Result<Vec<Imported>, Error> {
        let user = subject(caller, user)?;
        if !(1..=MAX_USERS).contains(&others.len()) {
            return Err(Error::invalid("contacts", format!("must be 1 to {MAX_USERS}")));
        }
        self.check_registered(caller, &[user]).await?;
        let found = self.registered_users(caller.app, &others).await?;
        let mut seen = HashSet::new();
        let mut outcomes: Vec<Imported> = Vec::with_capacity(others.len());
        for (other, found) in others.into_iter().zip(found) {
            match found.map(|found| found.id) {
                Some(id) if !seen.insert(id) => {}
                Some(id) => outcomes.push((other, id, check_other(user, id, "contacts"))),
                None => {
                    let missing = not_found(&other);
                    outcomes.push((other, UserId::ADMIN, Err(missing)));
                }
            }
        }
        let (policy, now) = (self.contact_policy(caller).await?, self.clock.now());
        let mut tx = self.db.begin().await?;
        let named = outcomes.iter().filter(|(_, _, outcome)| outcome.is_ok()).map(|(_, id, _)| *id);
        let all: Vec<UserId> = named.chain([user]).collect();
        let living = store::users::hold(&mut tx, caller.app, &all).await?;
        if !living.contains(&user) {
            return Err(Error::user_not_found(user.to_string()));
        }
        let locked: Vec<UserId> = all.iter().copied().filter(|id| living.contains(id)).collect();
        let totals = store::contact_total::lock(&mut tx, caller.app, &locked).await?;
        let known = store::contact::among_in(&mut tx, caller.app, user, &locked).await?;
        let mut own = totals.get(&user).copied().unwrap_or(0);
        let mut new = Vec::new();
        for (_, id, outcome) in outcomes.iter_mut().filter(|(_, id, outcome)| outcome.is_ok() && !known.contains(id)) {
            let Some(total) = totals.get(id) else {
                *outcome = Err(Error::user_not_found(id.to_string()));
                continue;
            };
            *outcome = Side::Inviter.check(own, &policy).and_then(|()| Side::Invitee.check(*total, &policy));
            if outcome.is_ok() {
                own += 1;
                new.push((*id, Remarks::default()));
            }
        }
        // Nobody could be added: the call as a whole is at fault.
        if new.is_empty() && known.is_empty() && outcomes.iter().any(|(_, _, outcome)| is_inviters(outcome)) {
            return Err(Side::Inviter.full());
        }
        connect(&mut tx, caller, user, new, (false, now)).await?;
        tx.commit().await?;
        Ok(outcomes)
    }
}

fn is_inviters(outcome: &Result<(), Error>) -> bool {
    outcome
        .as_ref()
        .is_err_and(|error| error.reason() == Reason::ContactsFull && error.subject() == Side::Inviter.full().subject())
}
