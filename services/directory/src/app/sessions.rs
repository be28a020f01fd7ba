//! Which devices of a user are online.

use std::time::Duration;

use tidings_domain::{AppId, Caller, Change, Error, SessionEnd, UnixMillis, UserId, UserRef};
use tidings_store::Tx;

use super::{
    Core,
    subject::{enabled, not_found},
};
use crate::{
    model::{AppKey, Connected, Devices, NewSession, Session, check_text},
    store::{self, connected_session::SessionKey},
};

/// Maximum number of live sessions of one user.
const MAX_SESSIONS: usize = 16;
const MAX_PLATFORM: usize = 32;
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(1);

/// Connections that were removed.
#[derive(Debug, Default)]
pub(super) struct Disconnected {
    /// Their gateways and their ids there.
    sessions: Vec<(i64, i64)>,
    /// What changed.
    pub(super) changes: Vec<Change>,
}

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
            return Err(Error::invalid("ttl", "must be from 1 second to 1 hour"));
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
        let mut sessions = store::session::live(&self.db, caller.app, id, self.clock.now()).await?;
        let now = self.db.now(&*self.clock).await?;
        let connected = store::connected_session::live_of(&self.db, caller.app, &[id], now).await?;
        sessions.extend(connected.into_iter().map(|(_, session)| session));
        sessions.sort_by_key(|one| (one.device_sn, one.opened_at));
        Ok(sessions)
    }

    /// The live sessions of these users, reported ones and connections, in any order.
    pub(super) async fn live_sessions(&self, app: AppId, users: &[UserId]) -> Result<Vec<(UserId, Session)>, Error> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let reported = store::session::live_of(&self.db, app, users, self.clock.now()).await?;
        let now = self.db.now(&*self.clock).await?;
        let connected = store::connected_session::live_of(&self.db, app, users, now).await?;
        Ok([reported, connected].concat())
    }

    /// The same inside a transaction.
    pub(super) async fn live_sessions_in(
        &self,
        tx: &mut Tx,
        app: AppId,
        users: &[UserId],
    ) -> Result<Vec<(UserId, Session)>, Error> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let reported = store::session::live_of_in(tx, app, users, self.clock.now()).await?;
        let now = tx.now(&*self.clock).await?;
        let connected = store::connected_session::live_of_in(tx, app, users, now).await?;
        Ok([reported, connected].concat())
    }

    /// Returns how many live sessions ended: one device's, or all. `end_tokens` prevents their holders from coming
    /// back: tokens do not name a device, so all of the user's are revoked. The gateways of connected clients follow the
    /// event feed, and close the connections that it names.
    pub(crate) async fn end_sessions(
        &self,
        caller: &Caller,
        user: &UserRef,
        devices: Devices,
        end_tokens: bool,
    ) -> Result<usize, Error> {
        let id = self.own_user(caller, user).await?.user.id;
        let has_events = self.has_presence_events(caller.app).await;
        let mut tx = self.db.begin().await?;
        // Locked, so that the sessions counted are those that end.
        store::users::lock(&mut tx, caller.app, id).await?.ok_or_else(|| not_found(user))?;
        let mut live = self.live_sessions_in(&mut tx, caller.app, &[id]).await?;
        live.retain(|(_, session)| devices.contain(session.device_sn, &session.resource));
        for (_, session) in live.iter().filter(|(_, session)| session.expires_at.is_some()) {
            store::session::end(&mut tx, caller.app, id, session.device_sn).await?;
        }
        let now = self.clock.now();
        let which = if end_tokens { Devices::default() } else { devices };
        let Disconnected { sessions, changes } = self.disconnect(&mut tx, caller.app, id, &which, has_events).await?;
        let Devices { device_sn, resource } = which;
        let (device_sn, resource) = (device_sn.unwrap_or_default(), resource.unwrap_or_default());
        let disconnected = Change::UserDisconnected { user: id, device_sn, resource, sessions, replaced: false };
        let changes: Vec<Change> = [disconnected].into_iter().chain(changes).collect();
        store::change::add(&mut tx, caller, now, &changes).await?;
        if end_tokens {
            store::user::end_tokens(&mut tx, caller.app, id, now).await?;
        }
        tx.commit().await?;
        Ok(live.len())
    }

    /// Whether connections and disconnections of the app's users are events; those of a deleted app are not.
    pub(super) async fn has_presence_events(&self, app: AppId) -> bool {
        self.known_app(&AppKey::Id(app)).await.is_ok_and(|known| known.app.policy.presence_events)
    }

    /// Removes the connections of a user, who is locked. One that a gateway has not reported yet stays.
    pub(super) async fn disconnect(
        &self,
        tx: &mut Tx,
        app: AppId,
        user: UserId,
        devices: &Devices,
        has_events: bool,
    ) -> Result<Disconnected, Error> {
        let mut connected = store::connected_session::of_user(tx, app, user).await?;
        connected.retain(|session| devices.contain(session.device_sn, &session.resource));
        let key = |session: &Connected| SessionKey { app, user, gateway: session.gateway, id: session.id };
        let ended = store::connected_session::end(tx, connected.iter().map(key).collect()).await?;
        if ended.is_empty() {
            return Ok(Disconnected::default());
        }
        let mut sessions: Vec<(i64, i64)> = ended.iter().map(|session| (session.gateway, session.id)).collect();
        sessions.sort_unstable();
        let offline = ended.iter().filter(|_| has_events).map(|session| Change::UserOffline {
            user,
            resource: session.resource.clone(),
            platform: session.platform.clone(),
            how: SessionEnd::Kicked,
        });
        let changes: Vec<Change> = offline.collect();
        let gone: Vec<_> = ended.into_iter().map(|session| (session.user, session.resource)).collect();
        self.presence_changed(tx, app, vec![user], &gone).await?;
        Ok(Disconnected { sessions, changes })
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
    let opened_at = of(device_sn).map_or(now, |session| session.opened_at);
    Session::reported(device_sn, new.platform, opened_at, now + new.ttl)
}

/// The device whose session must end to make room for another.
fn too_many(live: &[Session], session: &Session) -> Option<i64> {
    let is_further = live.iter().all(|other| other.device_sn != session.device_sn);
    let first = live.iter().min_by_key(|other| (other.opened_at, other.device_sn));
    first.filter(|_| is_further && live.len() >= MAX_SESSIONS).map(|first| first.device_sn)
}
