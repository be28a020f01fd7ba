//! Starts and stops the pairs, and shares the endpoints with other processes.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tidings_domain::{Entropy, Error, hex};
use tidings_runtime::metrics;
use tidings_store::Engine;
use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout},
};

use super::{Lease, pair::Pair, sharing};
use crate::{
    app::Core,
    model::Endpoint,
    store::{self, delivery::Which},
};

/// How often endpoints changed by another process are discovered, and other processes.
const LOOK: Duration = Duration::from_secs(2);
/// The lease time of a process and of an endpoint.
const TERM: Duration = Duration::from_secs(8);
/// How often a process looks whether another one has released an endpoint that is for itself.
const SOON: Duration = Duration::from_millis(200);

/// Works for the endpoints that are for this process and that no other one works for. What is for another process is
/// handed over: its pair ends first, with every call that was made, and then its lease is released.
///
/// Leases only avoid duplicate work; correctness (nothing lost, nothing delivered from two rows) does not depend on them.
pub async fn supervise(core: Arc<Core>, mut changes: watch::Receiver<()>) {
    let shutdown = core.deps.tasks.shutdown().clone();
    let mut supervisor = Supervisor::new(core, changes.clone());
    loop {
        changes.mark_unchanged();
        supervisor.look().await;
        tokio::select! {
            () = shutdown.triggered() => break,
            _ = changes.changed() => {}
            () = supervisor.pause() => {}
        }
    }
    supervisor.finish().await;
}

struct Supervisor {
    core: Arc<Core>,
    changes: watch::Receiver<()>,
    /// A unique name for this process.
    owner: String,
    pairs: HashMap<Which, Pair>,
    lease: Arc<Lease>,
    /// A pair has ended.
    ended: Arc<Notify>,
    /// Endpoints for this process that another one holds.
    awaited: Vec<Which>,
    /// The processes that shared the work when they were last counted.
    workers: usize,
    /// Broken endpoints that were logged.
    broken: HashSet<Which>,
}

/// What this process works for from now on.
struct Share {
    workers: usize,
    /// What is for this process.
    mine: HashMap<Which, Endpoint>,
    /// What it holds: nobody else works for these.
    held: HashSet<Which>,
}

impl Supervisor {
    fn new(core: Arc<Core>, changes: watch::Receiver<()>) -> Self {
        let owner = owner(&*core.deps.entropy);
        Self {
            core,
            changes,
            owner,
            pairs: HashMap::new(),
            lease: Arc::default(),
            ended: Arc::default(),
            awaited: Vec::new(),
            workers: 0,
            broken: HashSet::new(),
        }
    }

    /// The data folder's lock ensures that only one process uses SQLite.
    fn is_alone(&self) -> bool {
        self.core.deps.db.engine() == Engine::Sqlite
    }

    async fn look(&mut self) {
        let (began, ended) = (self.core.deps.clock.elapsed(), self.ended_pairs());
        let share = timeout(LOOK, self.share(&ended)).await;
        match share.unwrap_or_else(|late| Err(Error::internal(late))) {
            Ok(share) => self.apply(began + TERM, &ended, share),
            Err(error) => {
                tracing::warn!(%error, "callback endpoints could not be read");
                if self.lease.is_over(self.core.deps.clock.elapsed() + LOOK) {
                    self.stop_all();
                }
            }
        }
    }

    /// Renews the leases, and releases those of pairs that have ended. Those of pairs that are ending are kept.
    async fn share(&mut self, ended: &HashSet<Which>) -> Result<Share, Error> {
        let (db, clock) = (&self.core.deps.db, &*self.core.deps.clock);
        let endpoints = store::endpoint::list(db, &self.core.key, None).await?;
        log_broken(&mut self.broken, &endpoints);
        let active = endpoints.into_iter().filter(|endpoint| endpoint.paused.is_none());
        let mut mine: HashMap<Which, Endpoint> =
            active.map(|endpoint| ((endpoint.app, endpoint.id), endpoint)).collect();
        let running = self.pairs.keys().filter(|which| !ended.contains(*which));
        if self.is_alone() {
            let held = mine.keys().chain(running).copied().collect();
            return Ok(Share { workers: 1, mine, held });
        }
        let workers = store::worker::renew(db, clock, &self.owner, TERM).await?;
        mine.retain(|which, _| sharing::is_for(&self.owner, &workers, *which));
        let given: Vec<Which> = ended.iter().filter(|which| !mine.contains_key(*which)).copied().collect();
        store::endpoint_lease::release(db, &self.owner, &given).await?;
        let wanted: HashSet<Which> = mine.keys().chain(running).copied().collect();
        let wanted: Vec<Which> = wanted.into_iter().collect();
        let held = store::endpoint_lease::take(db, clock, &self.owner, TERM, &wanted).await?;
        Ok(Share { workers: workers.len(), mine, held: held.into_iter().collect() })
    }

    fn apply(&mut self, leased_until: Duration, ended: &HashSet<Which>, share: Share) {
        let Share { workers, mine, held } = share;
        self.pairs.retain(|which, _| !ended.contains(which));
        for (which, pair) in &self.pairs {
            if !held.contains(which) {
                // Another process may work for it already.
                pair.stop_soon();
            } else if !mine.contains_key(which) {
                pair.stop();
            }
        }
        // Not before those that it does not hold any more were stopped.
        self.lease.extend(leased_until);
        if workers != self.workers {
            tracing::info!(workers, endpoints = mine.len(), "callback endpoints are shared anew");
        }
        self.workers = workers;
        self.awaited = mine.keys().filter(|which| !held.contains(*which)).copied().collect();
        for (which, endpoint) in mine.into_iter().filter(|(which, _)| held.contains(which)) {
            let endpoint = Arc::new(endpoint);
            if let Some(pair) = self.pairs.get(&which) {
                // One that was stopped is replaced once it has ended.
                pair.update(endpoint);
            } else {
                let pair = Pair::start(&self.core, endpoint, self.changes.clone(), &self.lease, &self.ended);
                self.pairs.insert(which, pair);
            }
        }
        metrics().callback.works_for(self.pairs.len());
    }

    /// Until it is time to look again.
    async fn pause(&self) {
        tokio::select! {
            () = self.ended.notified() => {}
            () = self.awaited_is_released() => {}
            () = sleep(LOOK) => {}
        }
    }

    /// Completes when another process has released an endpoint that is for this one.
    async fn awaited_is_released(&self) {
        if self.awaited.is_empty() {
            return std::future::pending().await;
        }
        loop {
            sleep(SOON).await;
            match store::endpoint_lease::is_any_released(&self.core.deps.db, &self.awaited).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => tracing::debug!(%error, "endpoints of others could not be looked at"),
            }
        }
    }

    fn ended_pairs(&self) -> HashSet<Which> {
        self.pairs.iter().filter(|(_, pair)| pair.has_ended()).map(|(which, _)| *which).collect()
    }

    fn stop_all(&self) {
        for pair in self.pairs.values() {
            pair.stop_soon();
        }
    }

    /// Others take over what has ended, and need not wait for the rest.
    async fn finish(mut self) {
        self.stop_all();
        if let Err(error) = self.leave().await {
            tracing::debug!(%error, "others wait until the leases have expired");
        }
    }

    async fn leave(&mut self) -> Result<(), Error> {
        let left = if self.is_alone() { Ok(()) } else { store::worker::remove(&self.core.deps.db, &self.owner).await };
        let mut done = left;
        while !self.pairs.is_empty() {
            let ended = self.ended_pairs();
            if ended.is_empty() {
                let _ = timeout(SOON, self.ended.notified()).await;
                continue;
            }
            self.pairs.retain(|which, _| !ended.contains(which));
            if done.is_ok() && !self.is_alone() {
                let ended: Vec<Which> = ended.into_iter().collect();
                done = store::endpoint_lease::release(&self.core.deps.db, &self.owner, &ended).await;
            }
        }
        done?;
        if self.is_alone() {
            return Ok(());
        }
        store::endpoint_lease::release_all(&self.core.deps.db, &self.owner).await
    }
}

/// A unique name for this process.
fn owner(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    hex(&bytes)
}

/// Broken ones are logged once.
fn log_broken(broken: &mut HashSet<Which>, endpoints: &[Endpoint]) {
    broken.retain(|which| endpoints.iter().any(|found| found.is_broken && (found.app, found.id) == *which));
    for found in endpoints.iter().filter(|found| found.is_broken) {
        if broken.insert((found.app, found.id)) {
            tracing::error!(app = %found.app, endpoint = found.id, why = found.paused, "an endpoint is broken and gets no callbacks");
        }
    }
}
