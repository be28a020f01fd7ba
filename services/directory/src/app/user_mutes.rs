//! Where users are muted, regardless of their rights there.

use tidings_domain::{Caller, Change, Error, UserId, UserMutes, UserRef};

use super::{Core, page::page, subject::not_found};
use crate::{model::people::MuteChange, store};

impl Core {
    /// The user's mutes after the change. The other processes know of it within a second, by the version of the app's
    /// users.
    pub(crate) async fn set_user_mutes(
        &self,
        caller: &Caller,
        user: &UserRef,
        change: MuteChange,
    ) -> Result<(UserId, UserMutes), Error> {
        let id = self.own_user(caller, user).await?.user.id;
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        store::users::lock(&mut tx, caller.app, id).await?.ok_or_else(|| not_found(user))?;
        let before = store::user_mute::find_in(&mut tx, caller.app, id).await?;
        let after = change.applied_to(before, now);
        if after == before {
            return Ok((id, after));
        }
        store::user_mute::set(&mut tx, caller.app, id, after).await?;
        // What merely ran out is no change.
        if after != MuteChange::default().applied_to(before, now) {
            let muted = Change::UserMuted { user: id, until_ms: after.millis() };
            store::change::add(&mut tx, caller, now, &[muted]).await?;
        }
        store::users_version::raise(&mut tx, caller.app).await?;
        tx.commit().await?;
        Ok((id, after))
    }

    /// Those in force. Users see only their own.
    pub(crate) async fn get_user_mutes(&self, caller: &Caller, user: &UserRef) -> Result<(UserId, UserMutes), Error> {
        let id = self.own_user(caller, user).await?.user.id;
        let mutes = store::user_mute::find(&self.db, caller.app, id).await?;
        Ok((id, MuteChange::default().applied_to(mutes, self.clock.now())))
    }

    /// Users above `after` who are muted somewhere, with their names, and where the next page starts.
    pub(crate) async fn list_user_mutes(
        &self,
        caller: &Caller,
        after: i64,
        limit: i64,
    ) -> Result<(Vec<(UserId, String, UserMutes)>, Option<UserId>), Error> {
        let now = self.clock.now();
        let muted = store::user_mute::list(&self.db, caller.app, after, limit + 1, now).await?;
        let (mut muted, next) = page(muted, limit, |(user, ..)| *user);
        for (_, _, mutes) in &mut muted {
            *mutes = MuteChange::default().applied_to(*mutes, now);
        }
        Ok((muted, next))
    }
}
