//! Notifies the subscribers of a user's presence of its changes, in the background.
//!
//! What a change costs grows with the subscribers, of whom there may be thousands. So they are notified at once, and then the
//! longer not again, the more they are: what happens meanwhile is reported together. Every process of this service does so,
//! each for the users that it has queued for first.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tidings_domain::{Actor, AppId, Caller, Change, Error, Platform, UnixMillis, UserId};
use tidings_runtime::{Task, Tasks};
use tidings_store::Tx;
use tokio::time::{sleep, timeout};

use super::{Core, presence::shown};
use crate::{
    model::Session,
    store::{
        self,
        presence::DevicePresence,
        presence_due::{self, PresenceDue},
    },
};

/// The maximum delay until what another process committed is seen.
const LOOK: Duration = Duration::from_secs(1);
/// The pause after a failure.
const REST: Duration = Duration::from_secs(1);
/// How long the subscribers of a user are not notified again: at least this long, plus a time for each of them.
const LEAST_GAP: Duration = Duration::from_millis(200);
const GAP_OF_ONE: Duration = Duration::from_millis(5);
/// Users that are checked together.
const USERS: i64 = 200;
/// Subscribers that are named in one transaction, unless one user has more.
const SUBSCRIBERS: i64 = 4_000;
/// The status of a device that is connected no longer.
const OFFLINE: &str = "0";
/// Devices that are named.
const MOST_DEVICES: usize = 32;

/// Runs until shutdown.
pub(crate) fn spawn(core: &Arc<Core>, tasks: &Tasks) {
    let working = Arc::clone(core);
    tasks.run(Task::new("directory.notify_presence"), move || notify_always(Arc::clone(&working)));
}

async fn notify_always(core: Arc<Core>) {
    let mut marked = presence_due::marked();
    loop {
        marked.mark_unchanged();
        match core.notify_presence().await {
            Ok(wait) => _ = timeout(wait, marked.changed()).await,
            Err(error) => {
                tracing::warn!(%error, "subscribers could not be notified of changed presences yet");
                sleep(REST).await;
            }
        }
    }
}

impl Core {
    /// Notifies of what is due; returns how long there is nothing to do, unless more becomes due.
    async fn notify_presence(&self) -> Result<Duration, Error> {
        let now = self.db.now(&*self.clock).await?;
        let first = presence_due::first(&self.db, USERS).await?;
        let mut due: HashMap<AppId, Vec<UserId>> = HashMap::new();
        for (app, user, _) in first.iter().filter(|(.., at)| *at <= now) {
            due.entry(*app).or_default().push(*user);
        }
        if due.is_empty() {
            return Ok(first.first().map_or(LOOK, |(.., at)| (*at - now).min(LOOK)));
        }
        for (app, users) in due {
            for users in self.parts(app, users).await? {
                self.notify_users(app, &users).await?;
            }
        }
        Ok(Duration::ZERO)
    }

    /// The users in parts that have not too many subscribers together.
    async fn parts(&self, app: AppId, users: Vec<UserId>) -> Result<Vec<Vec<UserId>>, Error> {
        let counts = store::presence_subscription::counts(&self.db, app, &users, self.clock.now()).await?;
        let (mut parts, mut total) = (vec![Vec::new()], 0);
        for user in users {
            total += counts.get(&user).copied().unwrap_or_default();
            match parts.last_mut() {
                Some(part) if part.is_empty() || total <= SUBSCRIBERS => part.push(user),
                _ => {
                    total = counts.get(&user).copied().unwrap_or_default();
                    parts.push(vec![user]);
                }
            }
        }
        Ok(parts)
    }

    /// One transaction.
    async fn notify_users(&self, app: AppId, users: &[UserId]) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        store::users::queue(&mut tx, &users.iter().map(|user| (app, *user)).collect()).await?;
        let now = tx.now(&*self.clock).await?;
        let mut due = presence_due::of_many(&mut tx, app, users).await?;
        // Another process was faster.
        due.retain(|due| due.due_at <= now);
        let pending: Vec<UserId> = due.iter().filter(|due| due.is_pending).map(|due| due.user).collect();
        let mut subscribers =
            store::presence_subscription::subscribers(&mut tx, app, &pending, self.clock.now()).await?;
        let (notified, over): (Vec<PresenceDue>, Vec<PresenceDue>) =
            due.into_iter().partition(|due| subscribers.contains_key(&due.user));
        presence_due::remove(&mut tx, app, &over.iter().map(|due| due.user).collect::<Vec<_>>()).await?;
        let next = |due: &PresenceDue| {
            let due_at = now + gap(subscribers.get(&due.user).map_or(0, Vec::len));
            PresenceDue { user: due.user, due_at, is_pending: false, gone: Vec::new() }
        };
        let next: Vec<PresenceDue> = notified.iter().map(next).collect();
        presence_due::put(&mut tx, app, &next).await?;
        let changes = self.presence_of(&mut tx, app, &notified, &mut subscribers).await?;
        let by = |user| Caller { app, actor: Actor::User(user), address: None, platform: Platform::RestApi };
        let changes: Vec<(Caller, Change)> = changes.into_iter().map(|(user, change)| (by(user), change)).collect();
        let changes = changes.iter().map(|(caller, change)| (caller, change.clone()));
        store::change::add_each(&mut tx, self.clock.now(), changes).await?;
        tx.commit().await
    }

    /// The presence of these users, as it is in the transaction.
    async fn presence_of(
        &self,
        tx: &mut Tx,
        app: AppId,
        notified: &[PresenceDue],
        subscribers: &mut HashMap<UserId, Vec<UserId>>,
    ) -> Result<Vec<(UserId, Change)>, Error> {
        let users: Vec<UserId> = notified.iter().map(|due| due.user).collect();
        let live = self.live_sessions_in(tx, app, &users).await?;
        let published = store::presence::of_many_in(tx, app, &users).await?;
        let mut by_user: HashMap<UserId, (Vec<&DevicePresence>, Vec<&Session>)> = HashMap::new();
        for device in &published {
            by_user.entry(device.user).or_default().0.push(device);
        }
        for (user, session) in &live {
            by_user.entry(*user).or_default().1.push(session);
        }
        let change = |due: &PresenceDue| {
            let user = due.user;
            let (devices, sessions) = by_user.get(&user).cloned().unwrap_or_default();
            let presence = shown(user, &devices, &sessions);
            let mut statuses = presence.statuses;
            for name in &due.gone {
                // It may have reconnected.
                if statuses.iter().all(|(resource, _)| resource != name) {
                    statuses.push((name.clone(), OFFLINE.to_owned()));
                }
            }
            statuses.truncate(MOST_DEVICES);
            let last_time_ms = presence.last_time.map_or(0, |at: UnixMillis| at.0);
            let subscribers = subscribers.remove(&user).unwrap_or_default();
            (user, Change::PresenceChanged { user, statuses, ext: presence.ext, last_time_ms, subscribers })
        };
        Ok(notified.iter().map(change).collect())
    }
}

/// The minimum time between notifications of a user's presence, for that many subscribers.
fn gap(subscribers: usize) -> Duration {
    GAP_OF_ONE.saturating_mul(u32::try_from(subscribers).unwrap_or(u32::MAX)).max(LEAST_GAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_subscribers_the_more_rarely_they_are_notified() {
        let gaps = [1, 40, 100, 3_000].map(|subscribers| gap(subscribers).as_millis());
        assert_eq!(gaps, [200, 200, 500, 15_000]);
    }
}
