//! A user sends another user a contact request.

use tidings_domain::{Caller, Change, Error, Reason, UserId};

use super::{Remarks, Side, check_other, connect, expired, lock_pair};
use crate::{
    app::{Core, subject::subject},
    model::contact::{MAX_WAITING, NewContactRequest},
    store,
};

impl Core {
    /// Whether both are contacts now, because the other user had sent a request. Otherwise the other user decides;
    /// another request other words replaces the request, and in the same words changes nothing.
    pub(crate) async fn request_contact(
        &self,
        caller: &Caller,
        user: Option<i64>,
        other: UserId,
        new: NewContactRequest,
    ) -> Result<bool, Error> {
        new.check()?;
        let user = subject(caller, user)?;
        check_other(user, other, "contact_id")?;
        self.check_registered(caller, &[user, other]).await?;
        self.ask_request(caller, user, other, &new).await?;
        let (app, policy, now) = (caller.app, self.contact_policy(caller).await?, self.clock.now());
        let mut tx = self.db.begin().await?;
        let totals = lock_pair(&mut tx, caller, user, other).await?;
        if !store::contact::among_in(&mut tx, app, user, &[other]).await?.is_empty() {
            return Err(Error::new(Reason::AlreadyContact, other.to_string()));
        }
        if !store::user_block::among(&mut tx, app, other, &[user]).await?.is_empty() {
            return Err(Error::new(Reason::BlockedByReceiver, other.to_string()));
        }
        Side::Inviter.check(totals.get(&user).copied().unwrap_or(0), &policy)?;
        Side::Invitee.check(totals.get(&other).copied().unwrap_or(0), &policy)?;
        let asked_first = store::contact_request::find(&mut tx, app, user, other).await?;
        if let Some((_, _, remark)) = asked_first.filter(|(made_at, _, _)| *made_at > expired(now)) {
            let remarks = Remarks { own: new.remark, other: remark };
            connect(&mut tx, caller, user, vec![(other, remarks)], (true, now)).await?;
            tx.commit().await?;
            return Ok(true);
        }
        let before = store::contact_request::find(&mut tx, app, other, user).await?;
        if let Some((made_at, text, remark)) = &before
            && *made_at > expired(now)
            && (text, remark) == (&new.text, &new.remark)
        {
            return Ok(false);
        }
        if before.is_none() {
            let waiting = store::contact_request::count_waiting(&mut tx, app, other, expired(now)).await?;
            if waiting >= MAX_WAITING {
                return Err(Side::Invitee.full());
            }
        }
        let made = (now, new.text.as_str(), new.remark.as_str());
        store::contact_request::upsert(&mut tx, app, other, user, made).await?;
        let change = Change::ContactRequested { user: other, from: user, text: new.text };
        store::change::add(&mut tx, caller, now, &[change]).await?;
        tx.commit().await?;
        Ok(false)
    }
}
