//! A user accepts or declines a request to become a contact.

use tidings_domain::{Caller, Change, Error, Reason, UserId};

use super::{Remarks, Side, check_other, connect, expired, lock_pair};
use crate::{
    app::{Core, subject::subject},
    store,
};

impl Core {
    /// Decides on the request that `from` made.
    pub(crate) async fn decide_contact(
        &self,
        caller: &Caller,
        user: Option<i64>,
        from: UserId,
        accept: bool,
    ) -> Result<(), Error> {
        let user = subject(caller, user)?;
        check_other(user, from, "from_id")?;
        self.ask_answer(caller, user, from, accept).await?;
        let (policy, now) = (self.contact_policy(caller).await?, self.clock.now());
        let mut tx = self.db.begin().await?;
        let totals = lock_pair(&mut tx, caller, user, from).await?;
        let found = store::contact_request::find(&mut tx, caller.app, user, from).await?;
        let waiting = found.filter(|(made_at, _, _)| *made_at > expired(now));
        let (_, _, remark) = waiting.ok_or_else(|| Error::new(Reason::ContactRequestGone, from.to_string()))?;
        if accept {
            Side::Inviter.check(totals.get(&from).copied().unwrap_or(0), &policy)?;
            Side::Invitee.check(totals.get(&user).copied().unwrap_or(0), &policy)?;
            let remarks = Remarks { own: String::new(), other: remark };
            connect(&mut tx, caller, user, vec![(from, remarks)], (true, now)).await?;
        } else {
            store::contact_request::take(&mut tx, caller.app, user, from).await?;
            store::change::add(&mut tx, caller, now, &[Change::ContactDeclined { user, from }]).await?;
        }
        tx.commit().await
    }
}
