//! Sessions of clients that gateways report, and leases without which they do not count.
//!
//! A gateway that died no longer renews its lease: its sessions are offline when it expires, and are swept then
//! ([`super::sweep_sessions`]).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    net::IpAddr,
    time::Duration,
};

use tidings_domain::{Actor, AppId, Caller, Change, Error, Platform, Reason, SessionEnd, UserId};
use tidings_store::Tx;

use super::Core;
use crate::{
    model::Connected,
    store::{self, connected_session::SessionKey},
};

/// How long a gateway may be silent.
pub(super) const LEASE: Duration = Duration::from_secs(8);

/// What a gateway reports.
#[derive(Debug, Default)]
pub(crate) struct SessionReport {
    pub(crate) gateway: i64,
    /// Each with the client's address.
    pub(crate) started: Vec<(Connected, Option<IpAddr>)>,
    pub(crate) ended: Vec<EndedSession>,
    /// The gateway stops.
    pub(crate) is_last: bool,
}

impl SessionReport {
    /// Whose connections it is about.
    fn users(&self) -> BTreeSet<(AppId, UserId)> {
        let started = self.started.iter().map(|(session, _)| (session.app, session.user));
        started.chain(self.ended.iter().map(|ended| (ended.key.app, ended.key.user))).collect()
    }
}

/// A session that ended.
#[derive(Debug)]
pub(crate) struct EndedSession {
    pub(crate) key: SessionKey,
    pub(crate) how: SessionEnd,
    pub(crate) address: Option<IpAddr>,
}

impl Core {
    /// Renews the gateway's lease, and writes what started and ended there. True: there was no lease, so other sessions
    /// of the gateway may have been swept. The lease is renewed first, whatever becomes of the rest. With the last report it
    /// ends: should a session have been left, it is swept.
    pub(crate) async fn report_sessions(&self, report: SessionReport) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let now = tx.now(&*self.clock).await?;
        let until = store::gateway_lease::renew(&mut tx, report.gateway, now + LEASE).await?;
        tx.commit().await?;
        let (gateway, is_last) = (report.gateway, report.is_last);
        let users = report.users();
        if !users.is_empty() {
            self.write_sessions(report, &users).await?;
        }
        if is_last {
            let mut tx = self.db.begin().await?;
            let now = tx.now(&*self.clock).await?;
            store::gateway_lease::renew(&mut tx, gateway, now).await?;
            tx.commit().await?;
        }
        Ok(until.is_none_or(|until| until <= now))
    }

    /// Waits for other transactions about the same users: of two that cross, the second one sees what the first one wrote.
    async fn write_sessions(&self, report: SessionReport, users: &BTreeSet<(AppId, UserId)>) -> Result<(), Error> {
        let with_events = self.with_presence_events(users.iter().map(|(app, _)| *app).collect()).await;
        let mut tx = self.db.begin().await?;
        if !store::gateway_lease::hold(&mut tx, report.gateway).await? {
            return Err(Error::new(Reason::Unavailable, "the lease has lapsed meanwhile"));
        }
        store::users::queue(&mut tx, users).await?;
        let sessions: Vec<Connected> = report.started.iter().map(|(session, _)| session.clone()).collect();
        let new: HashSet<i64> = store::connected_session::start(&mut tx, &sessions).await?.into_iter().collect();
        let started: Vec<_> = report.started.into_iter().filter(|(session, _)| new.contains(&session.id)).collect();
        let replaced = self.replace(&mut tx, &started).await?;
        let hows: HashMap<i64, (SessionEnd, Option<IpAddr>)> =
            report.ended.iter().map(|ended| (ended.key.id, (ended.how, ended.address))).collect();
        let keys = report.ended.iter().map(|ended| ended.key).collect();
        let ended = store::connected_session::end(&mut tx, keys).await?.into_iter().map(|session| {
            let (how, address) = hows.get(&session.id).copied().unwrap_or((SessionEnd::Closed, None));
            (session, how, address)
        });
        self.record_connections(&mut tx, started, replaced.into_iter().chain(ended).collect(), &with_events).await?;
        tx.commit().await
    }

    /// Ends older sessions of devices of which only one may be open, at other gateways, and has those gateways close their
    /// connections.
    async fn replace(
        &self,
        tx: &mut Tx,
        started: &[(Connected, Option<IpAddr>)],
    ) -> Result<Vec<(Connected, SessionEnd, Option<IpAddr>)>, Error> {
        let keys = store::connected_session::replaced_by(tx, started.iter().map(|(session, _)| session)).await?;
        let ended = store::connected_session::end(tx, keys).await?;
        let changes = ended.iter().map(|Connected { app, user, gateway, id, device_sn, resource, .. }| {
            let (user, device_sn, resource) = (*user, *device_sn, resource.clone());
            let sessions = vec![(*gateway, *id)];
            let replaced = Change::UserDisconnected { user, device_sn, resource, sessions, replaced: true };
            (caller(*app, user, None), replaced)
        });
        let changes: Vec<(Caller, Change)> = changes.collect();
        let each = changes.iter().map(|(caller, change)| (caller, change.clone()));
        store::change::add_each(tx, self.clock.now(), each).await?;
        Ok(ended.into_iter().map(|session| (session, SessionEnd::Replaced, None)).collect())
    }

    /// Those apps whose users' connections are events.
    pub(super) async fn with_presence_events(&self, apps: HashSet<AppId>) -> HashSet<AppId> {
        let mut with_events = HashSet::new();
        for app in apps {
            if self.has_presence_events(app).await {
                with_events.insert(app);
            }
        }
        with_events
    }

    /// Records what changed, for users who are queued for.
    pub(super) async fn record_connections(
        &self,
        tx: &mut Tx,
        started: Vec<(Connected, Option<IpAddr>)>,
        ended: Vec<(Connected, SessionEnd, Option<IpAddr>)>,
        with_events: &HashSet<AppId>,
    ) -> Result<(), Error> {
        let mut changes: Vec<(Caller, Change)> = Vec::new();
        let mut users: BTreeMap<AppId, Vec<UserId>> = BTreeMap::new();
        let mut gone: HashMap<AppId, Vec<(UserId, String)>> = HashMap::new();
        for (Connected { app, user, resource, platform, .. }, address) in started {
            users.entry(app).or_default().push(user);
            if with_events.contains(&app) {
                changes.push((caller(app, user, address), Change::UserOnline { user, resource, platform }));
            }
        }
        for (Connected { app, user, resource, platform, .. }, how, address) in ended {
            users.entry(app).or_default().push(user);
            gone.entry(app).or_default().push((user, resource.clone()));
            if with_events.contains(&app) {
                changes.push((caller(app, user, address), Change::UserOffline { user, resource, platform, how }));
            }
        }
        for (app, users) in users {
            self.presence_changed(tx, app, users, &gone.remove(&app).unwrap_or_default()).await?;
        }
        let changes = changes.iter().map(|(caller, change)| (caller, change.clone()));
        store::change::add_each(tx, self.clock.now(), changes).await
    }
}

const fn caller(app: AppId, user: UserId, address: Option<IpAddr>) -> Caller {
    Caller { app, actor: Actor::User(user), address, platform: Platform::RestApi }
}
