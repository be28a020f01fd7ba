//! Which devices of a user are online.

use std::time::Duration;

use tidings_domain::{Caller, Error, UnixMillis, UserRef};

use super::{
    Core,
    subject::{enabled, not_found},
};
use crate::{
    model::{NewSession, Session, check_text},
    store,
};

/// Maximum number of live sessions of one user.
const MAX_SESSIONS: usize = 16;
const MAX_PLATFORM: usize = 32;
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(1);

impl Core {
    /// A device that is already online stays so. Beyond the limit, the oldest session ends.
    pub(crate) async fn open_session(
        &self,
        caller: &Caller,
        user: &UserRef,
        new: NewSession,
    ) -> Result<Session, Error> {
        check_text("platform", &new.platform, MAX_PLATFORM)?;
        if !(SHORTEST..=LONGEST).contains(&new.ttl) {
            return Err(Error::invalid("ttl_ms", "must be from 1000 to 3600000"));
        }
        let id = self.own_user(caller, user).await?.user.id;
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let locked = store::users::lock(&mut tx, caller.app, id).await?.ok_or_else(|| not_found(user))?;
        enabled(locked)?;
        store::session::sweep(&mut tx, caller.app, id, now).await?;
        let live = store::session::live_in(&mut tx, caller.app, id, now).await?;
        let session = opened(&live, new, now);
        if let Some(first) = too_many(&live, &session) {
            store::session::end(&mut tx, caller.app, id, first).await?;
        }
        store::session::upsert(&mut tx, caller.app, id, &session).await?;
        tx.commit().await?;
        Ok(session)
    }

    /// The live ones, by their devices' numbers. Users see only their own.
    pub(crate) async fn list_sessions(&self, caller: &Caller, user: &UserRef) -> Result<Vec<Session>, Error> {
        let id = self.own_user(caller, user).await?.user.id;
        store::session::live(&self.db, caller.app, id, self.clock.now()).await
    }

    /// Returns how many live sessions ended: one device's, or all. `end_tokens` prevents their holders from coming
    /// back: tokens do not name a device, so all of the user's are revoked.
    pub(crate) async fn end_sessions(
        &self,
        caller: &Caller,
        user: &UserRef,
        device_sn: Option<i64>,
        end_tokens: bool,
    ) -> Result<usize, Error> {
        let id = self.own_user(caller, user).await?.user.id;
        let mut tx = self.db.begin().await?;
        // Locked, so that the sessions counted are those that end.
        store::users::lock(&mut tx, caller.app, id).await?.ok_or_else(|| not_found(user))?;
        let live = store::session::live_in(&mut tx, caller.app, id, self.clock.now()).await?;
        match device_sn {
            Some(device_sn) => store::session::end(&mut tx, caller.app, id, device_sn).await?,
            None => store::session::end_all(&mut tx, caller.app, id).await?,
        }
        if end_tokens {
            store::user::end_tokens(&mut tx, caller.app, id, self.clock.now()).await?;
        }
        tx.commit().await?;
        let is_meant = |session: &&Session| device_sn.is_none_or(|device_sn| session.device_sn == device_sn);
        Ok(live.iter().filter(is_meant).count())
    }
}

/// The session of the named device, or of the lowest free number.
fn opened(live: &[Session], new: NewSession, now: UnixMillis) -> Session {
    let of = |device_sn| live.iter().find(|session| session.device_sn == device_sn);
    let lowest_free = || {
        let mut numbers = 1..=live.len() as i64 + 1;
        numbers.find(|device_sn| of(*device_sn).is_none()).expect("one more number than there are devices")
    };
    let device_sn = new.device_sn.unwrap_or_else(lowest_free);
    Session {
        device_sn,
        platform: new.platform,
        opened_at: of(device_sn).map_or(now, |session| session.opened_at),
        expires_at: now + new.ttl,
    }
}

/// The device whose session must end to make room for another.
fn too_many(live: &[Session], session: &Session) -> Option<i64> {
    let is_further = live.iter().all(|other| other.device_sn != session.device_sn);
    let first = live.iter().min_by_key(|other| (other.opened_at, other.device_sn));
    first.filter(|_| is_further && live.len() >= MAX_SESSIONS).map(|first| first.device_sn)
}
