//! Tells those who are subscribed to a user's presence of its changes.

use std::collections::{HashMap, HashSet};

use tidings_domain::{AppId, Change, Error, UserId};
use tidings_store::Tx;

use super::{Core, presence::shown};
use crate::{
    model::Session,
    store::{self, presence::DevicePresence},
};

/// The status of a device that is connected no longer.
const OFFLINE: &str = "0";
/// Devices that are named.
const MOST_DEVICES: usize = 32;

impl Core {
    /// Forgets what devices published that are `gone`, unless they have another session, and returns the presence of
    /// those of `users` to whom anybody is subscribed, as it is in the transaction.
    pub(super) async fn presence_changes(
        &self,
        tx: &mut Tx,
        app: AppId,
        mut users: Vec<UserId>,
        gone: &[(UserId, String)],
    ) -> Result<Vec<Change>, Error> {
        users.sort_unstable();
        users.dedup();
        let subscribers = store::presence_subscription::subscribers(tx, app, &users, self.clock.now()).await?;
        if subscribers.is_empty() && gone.is_empty() {
            return Ok(Vec::new());
        }
        let live = self.live_sessions_in(tx, app, &users).await?;
        let here: HashSet<(UserId, &str)> =
            live.iter().map(|(user, session)| (*user, session.resource.as_str())).collect();
        let gone: Vec<(UserId, String)> =
            gone.iter().filter(|(user, resource)| !here.contains(&(*user, resource))).cloned().collect();
        store::presence::forget_devices(tx, app, &gone).await?;
        users.retain(|user| subscribers.contains_key(user));
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let published = store::presence::of_many_in(tx, app, &users).await?;
        let mut by_user: HashMap<UserId, (Vec<&DevicePresence>, Vec<&Session>)> = HashMap::new();
        for device in &published {
            by_user.entry(device.user).or_default().0.push(device);
        }
        for (user, session) in &live {
            by_user.entry(*user).or_default().1.push(session);
        }
        let change = |(user, subscribers): (UserId, Vec<UserId>)| {
            let (devices, sessions) = by_user.get(&user).cloned().unwrap_or_default();
            let presence = shown(user, &devices, &sessions);
            let off = gone.iter().filter(|(of, _)| *of == user).map(|(_, name)| (name.clone(), OFFLINE.to_owned()));
            let statuses = presence.statuses.into_iter().chain(off).take(MOST_DEVICES).collect();
            let last_time_ms = presence.last_time.map_or(0, |at| at.0);
            Change::PresenceChanged { user, statuses, ext: presence.ext, last_time_ms, subscribers }
        };
        let mut changes: Vec<Change> = subscribers.into_iter().map(change).collect();
        changes.sort_by_key(Change::people);
        Ok(changes)
    }
}
