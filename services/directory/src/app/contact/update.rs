//! What a user notes about a contact.

use tidings_domain::{Caller, Error, Reason, UserId};

use super::check_other;
use crate::{
    app::{Core, subject::subject},
    model::contact::{Contact, ContactChange},
    store,
};

impl Core {
    /// The contact after the change. The other user is not notified, so it is not an event.
    pub(crate) async fn update_contact(
        &self,
        caller: &Caller,
        user: Option<i64>,
        other: UserId,
        change: ContactChange,
    ) -> Result<Contact, Error> {
        change.check()?;
        let user = subject(caller, user)?;
        check_other(user, other, "contact_id")?;
        self.check_registered(caller, &[user, other]).await?;
        let not_a_contact = || Error::new(Reason::NotAContact, other.to_string());
        let mut tx = self.db.begin().await?;
        if !store::contact::update(&mut tx, caller.app, user, other, &change).await? {
            return Err(not_a_contact());
        }
        tx.commit().await?;
        let found = store::contact::profiles(&self.db, caller.app, user, &[other]).await?;
        found.into_iter().next().map(|found| found.contact).ok_or_else(not_a_contact)
    }
}
