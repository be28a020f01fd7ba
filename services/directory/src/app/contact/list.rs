//! Reads contacts, relations, and requests that wait.

use std::collections::HashMap;

use tidings_domain::{Caller, Error, UserId};

use super::expired;
use crate::{
    app::{Core, page::page, subject::subject},
    model::contact::{Contact, ContactProfile, ContactRequest},
    store,
};

/// Maximum number of users per call.
const MAX_USERS: usize = 600;

impl Core {
    /// Contacts with ids above `after`, and where the next page starts.
    pub(crate) async fn list_contacts(
        &self,
        caller: &Caller,
        user: Option<i64>,
        (after, limit): (i64, i64),
    ) -> Result<(Vec<Contact>, Option<UserId>), Error> {
        let user = subject(caller, user)?;
        let contacts = store::contact::list(&self.db, caller.app, user, after, limit + 1).await?;
        Ok(page(contacts, limit, |contact| contact.user))
    }

    /// Requests of users with ids above `after`, and where the next page starts.
    pub(crate) async fn list_contact_requests(
        &self,
        caller: &Caller,
        user: Option<i64>,
        (after, limit): (i64, i64),
    ) -> Result<(Vec<ContactRequest>, Option<UserId>), Error> {
        let user = subject(caller, user)?;
        let expired = expired(self.clock.now());
        let requests = store::contact_request::list(&self.db, caller.app, user, (after, limit + 1), expired).await?;
        Ok(page(requests, limit, |request| request.from))
    }

    /// Those of `others` who exist, in the order of the request.
    pub(crate) async fn get_contacts(
        &self,
        caller: &Caller,
        user: Option<i64>,
        others: &[UserId],
    ) -> Result<Vec<ContactProfile>, Error> {
        let user = subject(caller, user)?;
        if !(1..=MAX_USERS).contains(&others.len()) {
            return Err(Error::invalid("contact_ids", format!("must be 1 to {MAX_USERS}")));
        }
        let found = store::contact::profiles(&self.db, caller.app, user, others).await?;
        let mut by_id: HashMap<UserId, ContactProfile> =
            found.into_iter().map(|found| (found.contact.user, found)).collect();
        Ok(others.iter().filter_map(|other| by_id.remove(other)).collect())
    }
}
