//! Records whose presence has changed. [`super::notify_presence`] notifies the subscribers.

use std::collections::{HashMap, HashSet};

use tidings_domain::{AppId, Error, UserId};
use tidings_store::Tx;

use super::Core;
use crate::store::{self, presence_due::PresenceDue};

/// Devices of a user that are listed as disconnected.
const MOST_GONE: usize = 32;

impl Core {
    /// The presence of `users`, who are locked or queued for, has changed; devices that are `gone` published what is
    /// forgotten now, unless they have another session.
    pub(super) async fn presence_changed(
        &self,
        tx: &mut Tx,
        app: AppId,
        mut users: Vec<UserId>,
        gone: &[(UserId, String)],
    ) -> Result<(), Error> {
        users.sort_unstable();
        users.dedup();
        let gone = self.really_gone(tx, app, gone).await?;
        store::presence::forget_devices(tx, app, &gone).await?;
        let subscribed = store::presence_subscription::subscribed(tx, app, &users, self.clock.now()).await?;
        users.retain(|user| subscribed.contains(user));
        if users.is_empty() {
            return Ok(());
        }
        let now = tx.now(&*self.clock).await?;
        let known = store::presence_due::of_many(tx, app, &users).await?;
        let mut known: HashMap<UserId, PresenceDue> = known.into_iter().map(|due| (due.user, due)).collect();
        let due = |user: UserId| {
            // Notified recently: it waits.
            let mut due =
                known.remove(&user).unwrap_or(PresenceDue { user, due_at: now, is_pending: true, gone: Vec::new() });
            due.is_pending = true;
            let names = gone.iter().filter(|(of, _)| *of == user).map(|(_, name)| name);
            for name in names {
                if due.gone.len() < MOST_GONE && !due.gone.contains(name) {
                    due.gone.push(name.clone());
                }
            }
            due
        };
        let due: Vec<PresenceDue> = users.into_iter().map(due).collect();
        store::presence_due::put(tx, app, &due).await
    }

    /// Those devices of `gone` that have no other session.
    async fn really_gone(
        &self,
        tx: &mut Tx,
        app: AppId,
        gone: &[(UserId, String)],
    ) -> Result<Vec<(UserId, String)>, Error> {
        let users: HashSet<UserId> = gone.iter().map(|(user, _)| *user).collect();
        let live = self.live_sessions_in(tx, app, &users.into_iter().collect::<Vec<_>>()).await?;
        let here: HashSet<(UserId, &str)> =
            live.iter().map(|(user, session)| (*user, session.resource.as_str())).collect();
        Ok(gone.iter().filter(|(user, resource)| !here.contains(&(*user, resource))).cloned().collect())
    }
}
