//! What users' devices say about their presence, and who is subscribed to it (agora.md 10.2).

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use tidings_domain::{Caller, Error, Reason, UnixMillis, UserId, UserRef};

use super::{Core, page::page, subject::not_found};
use crate::{
    model::{
        Session, check_text,
        people::{Presence, PresenceSubscription, Published},
    },
    store::{self, presence::DevicePresence},
};

/// Users per call.
const MAX_TARGETS: usize = 100;
const MAX_RESOURCE: usize = 256;
const MAX_STATUS: usize = 64;
const MAX_EXT: usize = 1024;
/// The longest subscription.
const LONGEST: Duration = Duration::from_hours(30 * 24);
/// The status of a device of which nothing was published.
const ONLINE: &str = "1";

impl Core {
    /// Writes what one device says. Users publish only for themselves.
    pub(crate) async fn publish_presence(
        &self,
        caller: &Caller,
        user: &UserRef,
        published: Published,
    ) -> Result<(), Error> {
        let Published { resource, status, ext } = published;
        for (field, text, max) in [("resource", &resource, MAX_RESOURCE), ("status", &status, MAX_STATUS)] {
            check_text(field, text, max)?;
            if text.is_empty() {
                return Err(Error::invalid(field, "is required"));
            }
        }
        check_text("ext", &ext, MAX_EXT)?;
        let id = self.own_user(caller, user).await?.user.id;
        let mut tx = self.db.begin().await?;
        store::users::lock(&mut tx, caller.app, id).await?.ok_or_else(|| not_found(user))?;
        let now = self.clock.now();
        let device = DevicePresence { user: id, resource, status, updated_at: now, ext };
        store::presence::publish(&mut tx, caller.app, &device).await?;
        self.presence_changed(&mut tx, caller.app, vec![id], &[]).await?;
        tx.commit().await
    }

    /// Subscribes the user to others for a while, and returns the presence of those.
    pub(crate) async fn subscribe_presence(
        &self,
        caller: &Caller,
        user: &UserRef,
        targets: &[UserRef],
        ttl: Duration,
    ) -> Result<Vec<Presence>, Error> {
        check_targets(targets)?;
        if ttl.is_zero() || ttl > LONGEST {
            return Err(Error::invalid("ttl_seconds", format!("must be from 1 to {}", LONGEST.as_secs())));
        }
        let id = self.own_user(caller, user).await?.user.id;
        let mut ids = self.target_ids(caller, targets).await?;
        if ids.contains(&id) {
            return Err(Error::invalid("targets", "must be other users"));
        }
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        // Held, not locked: two users who subscribe to each other would wait for each other.
        let living = store::users::hold(&mut tx, caller.app, &[&ids[..], &[id]].concat()).await?;
        if !living.contains(&id) {
            return Err(not_found(user));
        }
        ids.retain(|target| living.contains(target));
        if let Some(crowded) = store::presence_subscription::crowded(&mut tx, caller.app, id, &ids, now).await?.first()
        {
            return Err(Error::new(Reason::PresenceSubscribersExceeded, crowded.to_string()));
        }
        store::presence_subscription::sweep(&mut tx, caller.app, id, now).await?;
        store::presence_subscription::subscribe(&mut tx, caller.app, id, &ids, now + ttl).await?;
        tx.commit().await?;
        self.presences(caller, id, targets).await
    }

    /// Ends subscriptions of the user; those that are not there are ignored.
    pub(crate) async fn unsubscribe_presence(
        &self,
        caller: &Caller,
        user: &UserRef,
        targets: &[UserRef],
    ) -> Result<(), Error> {
        check_targets(targets)?;
        let id = self.own_user(caller, user).await?.user.id;
        let ids = self.target_ids(caller, targets).await?;
        let mut tx = self.db.begin().await?;
        store::presence_subscription::unsubscribe(&mut tx, caller.app, id, &ids).await?;
        tx.commit().await
    }

    /// The presence of several users, in the order of the request, with the ends of the user's subscriptions.
    pub(crate) async fn get_presence(
        &self,
        caller: &Caller,
        user: &UserRef,
        targets: &[UserRef],
    ) -> Result<Vec<Presence>, Error> {
        check_targets(targets)?;
        let id = self.own_user(caller, user).await?.user.id;
        self.presences(caller, id, targets).await
    }

    /// The subscriptions of the user above `after`, where the next page starts, and how many there are in all.
    pub(crate) async fn list_presence_subscriptions(
        &self,
        caller: &Caller,
        user: &UserRef,
        after: i64,
        limit: i64,
    ) -> Result<(Vec<PresenceSubscription>, Option<UserId>, i64), Error> {
        let id = self.own_user(caller, user).await?.user.id;
        let now = self.clock.now();
        let found = store::presence_subscription::list(&self.db, caller.app, id, (after, limit + 1), now).await?;
        let total = store::presence_subscription::count(&self.db, caller.app, id, now).await?;
        let (found, next) = page(found, limit, |subscription| subscription.target);
        Ok((found, next, total))
    }

    /// The registered users among them, each once, ascending.
    async fn target_ids(&self, caller: &Caller, targets: &[UserRef]) -> Result<Vec<UserId>, Error> {
        let found = self.registered_users(caller.app, targets).await?;
        let mut ids: Vec<UserId> = found.into_iter().flatten().map(|user| user.id).collect();
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    async fn presences(&self, caller: &Caller, user: UserId, targets: &[UserRef]) -> Result<Vec<Presence>, Error> {
        let now = self.clock.now();
        let found = self.registered_users(caller.app, targets).await?;
        let ids: Vec<UserId> = found.iter().flatten().map(|user| user.id).collect();
        let devices = store::presence::of_many(&self.db, caller.app, &ids).await?;
        let sessions = self.live_sessions(caller.app, &ids).await?;
        let ends = store::presence_subscription::to_many(&self.db, caller.app, user, &ids, now).await?;
        let mut by_user: HashMap<UserId, (Vec<&DevicePresence>, Vec<&Session>)> = HashMap::new();
        for device in &devices {
            by_user.entry(device.user).or_default().0.push(device);
        }
        for (user, session) in &sessions {
            by_user.entry(*user).or_default().1.push(session);
        }
        let presence = |id: UserId| {
            let (devices, sessions) = by_user.get(&id).cloned().unwrap_or_default();
            Presence { expires_at: ends.get(&id).copied(), ..shown(id, &devices, &sessions) }
        };
        Ok(found.into_iter().map(|user| user.map_or_else(Presence::default, |user| presence(user.id))).collect())
    }
}

fn check_targets(targets: &[UserRef]) -> Result<(), Error> {
    if (1..=MAX_TARGETS).contains(&targets.len()) {
        return Ok(());
    }
    Err(Error::invalid("targets", format!("must be 1 to {MAX_TARGETS}")))
}

/// What was published by device, and the live sessions.
pub(super) fn shown(user: UserId, devices: &[&DevicePresence], sessions: &[&Session]) -> Presence {
    let mut statuses: BTreeMap<String, String> =
        sessions.iter().map(|session| (session.resource.clone(), ONLINE.to_owned())).collect();
    statuses.extend(devices.iter().map(|device| (device.resource.clone(), device.status.clone())));
    let newest = devices.iter().max_by_key(|device| device.updated_at);
    let moments = devices.iter().map(|device| device.updated_at);
    let last_time: Option<UnixMillis> = moments.chain(sessions.iter().map(|session| session.opened_at)).max();
    Presence {
        user: Some(user),
        last_time,
        expires_at: None,
        ext: newest.map(|device| device.ext.clone()).unwrap_or_default(),
        statuses: statuses.into_iter().collect(),
    }
}
