//! Sessions of clients that gateways report, and leases without which they do not count.
//!
//! A gateway that is gone renews its lease no more: its sessions are offline when that is over, and are swept then.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use tidings_domain::{Actor, AppId, Caller, Change, Error, Platform, SessionEnd, UserId};
use tidings_runtime::{Task, Tasks};
use tidings_store::Tx;
use tokio::time::sleep;

use super::Core;
use crate::{
    model::Connected,
    store::{self, connected_session::SessionKey},
};

/// How long a gateway may be silent.
const LEASE: Duration = Duration::from_secs(8);
/// How often leases are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// The pause after a failure.
const REST: Duration = Duration::from_secs(5);
/// Gateways, and sessions of a gateway, that are swept at once.
const GATEWAYS: i64 = 8;
const STEP: i64 = 500;

/// What a gateway reports.
#[derive(Debug, Default)]
pub(crate) struct SessionReport {
    pub(crate) gateway: i64,
    /// Each with the client's address.
    pub(crate) started: Vec<(Connected, Option<IpAddr>)>,
    pub(crate) ended: Vec<EndedSession>,
}

/// A session that ended.
#[derive(Debug)]
pub(crate) struct EndedSession {
    pub(crate) key: SessionKey,
    pub(crate) how: SessionEnd,
    pub(crate) address: Option<IpAddr>,
}

/// Sweeps sessions of gateways that are gone, until shutdown.
pub(crate) fn spawn(core: &Arc<Core>, tasks: &Tasks) {
    let working = Arc::clone(core);
    tasks.run(Task::new("directory.sweep_sessions"), move || sweep_always(Arc::clone(&working)));
}

async fn sweep_always(core: Arc<Core>) {
    loop {
        sleep(LOOK).await;
        if let Err(error) = core.sweep_sessions().await {
            tracing::warn!(%error, "sessions of gateways that are gone could not be swept yet");
            sleep(REST).await;
        }
    }
}

impl Core {
    /// Renews the gateway's lease, and writes what started and ended there. True: there was no lease, so other sessions
    /// of the gateway may have been swept.
    pub(crate) async fn report_sessions(&self, report: SessionReport) -> Result<bool, Error> {
        let apps = report.started.iter().map(|(session, _)| session.app);
        let apps = apps.chain(report.ended.iter().map(|ended| ended.key.app)).collect();
        let telling = self.telling(apps).await;
        let mut tx = self.db.begin().await?;
        let now = tx.now(&*self.clock).await?;
        let until = store::gateway_lease::lock(&mut tx, report.gateway).await?;
        store::gateway_lease::renew(&mut tx, report.gateway, now + LEASE).await?;
        let sessions: Vec<Connected> = report.started.iter().map(|(session, _)| session.clone()).collect();
        let new: HashSet<i64> = store::connected_session::start(&mut tx, &sessions).await?.into_iter().collect();
        let started = report.started.into_iter().filter(|(session, _)| new.contains(&session.id));
        let hows: HashMap<i64, (SessionEnd, Option<IpAddr>)> =
            report.ended.iter().map(|ended| (ended.key.id, (ended.how, ended.address))).collect();
        let keys = report.ended.iter().map(|ended| ended.key).collect();
        let ended = store::connected_session::end(&mut tx, keys).await?.into_iter().map(|session| {
            let (how, address) = hows.get(&session.id).copied().unwrap_or((SessionEnd::Closed, None));
            (session, how, address)
        });
        self.tell(&mut tx, started.collect(), ended.collect(), &telling).await?;
        tx.commit().await?;
        Ok(until.is_none_or(|until| until <= now))
    }

    /// Removes the sessions of gateways without a lease.
    pub(crate) async fn sweep_sessions(&self) -> Result<(), Error> {
        let now = self.db.now(&*self.clock).await?;
        for gateway in store::gateway_lease::lapsed(&self.db, now, GATEWAYS).await? {
            while self.sweep_some(gateway).await? {}
        }
        Ok(())
    }

    /// False: there is nothing left to sweep.
    async fn sweep_some(&self, gateway: i64) -> Result<bool, Error> {
        let some = store::connected_session::of_gateway(&self.db, gateway, STEP).await?;
        let telling = self.telling(some.iter().map(|session| session.app).collect()).await;
        let mut tx = self.db.begin().await?;
        let now = tx.now(&*self.clock).await?;
        let until = store::gateway_lease::lock(&mut tx, gateway).await?;
        if until.is_none_or(|until| until > now) {
            // Swept by another process, or renewed.
            return Ok(false);
        }
        if some.is_empty() {
            store::gateway_lease::remove(&mut tx, gateway).await?;
            tx.commit().await?;
            return Ok(false);
        }
        let key = |session: &Connected| {
            let Connected { app, user, gateway, id, .. } = *session;
            SessionKey { app, user, gateway, id }
        };
        let ended = store::connected_session::end(&mut tx, some.iter().map(key).collect()).await?;
        let ended = ended.into_iter().map(|session| (session, SessionEnd::TimedOut, None)).collect();
        self.tell(&mut tx, Vec::new(), ended, &telling).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Those apps whose users' connections are events.
    async fn telling(&self, apps: HashSet<AppId>) -> HashSet<AppId> {
        let mut telling = HashSet::new();
        for app in apps {
            if self.tells_of_presence(app).await {
                telling.insert(app);
            }
        }
        telling
    }

    /// Records what changed.
    async fn tell(
        &self,
        tx: &mut Tx,
        started: Vec<(Connected, Option<IpAddr>)>,
        ended: Vec<(Connected, SessionEnd, Option<IpAddr>)>,
        telling: &HashSet<AppId>,
    ) -> Result<(), Error> {
        let mut changes: Vec<(Caller, Change)> = Vec::new();
        let mut users: BTreeMap<AppId, Vec<UserId>> = BTreeMap::new();
        let mut gone: HashMap<AppId, Vec<(UserId, String)>> = HashMap::new();
        for (Connected { app, user, resource, platform, .. }, address) in started {
            users.entry(app).or_default().push(user);
            if telling.contains(&app) {
                changes.push((caller(app, user, address), Change::UserOnline { user, resource, platform }));
            }
        }
        for (Connected { app, user, resource, platform, .. }, how, address) in ended {
            users.entry(app).or_default().push(user);
            gone.entry(app).or_default().push((user, resource.clone()));
            if telling.contains(&app) {
                changes.push((caller(app, user, address), Change::UserOffline { user, resource, platform, how }));
            }
        }
        for (app, users) in users {
            let gone = gone.remove(&app).unwrap_or_default();
            for change in self.presence_changes(tx, app, users, &gone).await? {
                let user = change.people().first().copied().unwrap_or(UserId::ADMIN);
                changes.push((caller(app, user, None), change));
            }
        }
        let changes = changes.iter().map(|(caller, change)| (caller, change.clone()));
        store::change::add_each(tx, self.clock.now(), changes).await
    }
}

const fn caller(app: AppId, user: UserId, address: Option<IpAddr>) -> Caller {
    Caller { app, actor: Actor::User(user), address, platform: Platform::RestApi }
}
