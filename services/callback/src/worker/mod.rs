//! The workers: one pair for each endpoint, which follows the feed and delivers.

mod breaker;
mod deliver;
mod follow;
mod gone_apps;
mod measure;
mod post;
mod purge;
mod schedule;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tidings_domain::{AppId, Entropy, Error, hex};
use tidings_runtime::{
    Shutdown, Task,
    metrics::{Follower, metrics},
};
use tidings_store::Engine;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, timeout},
};

use deliver::Deliveries;
pub use purge::purge;

use crate::{app::Core, model::Endpoint, store};

/// How often endpoints changed by another process are discovered.
const LOOK: Duration = Duration::from_secs(2);
/// The lease time of an endpoint.
const LEASE: Duration = Duration::from_secs(8);
/// Concurrent calls to one endpoint.
const AT_ONCE: usize = 64;
/// After how long without a delivery an endpoint counts as stuck.
const STUCK: Duration = Duration::from_secs(1);
/// How long a worker pauses after an internal error; twice as long after each further one.
const REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(8);
/// A worker that ran for this long was healthy.
const WELL: Duration = Duration::from_mins(1);

/// Runs until shutdown.
pub fn spawn(core: &Arc<Core>, changes: watch::Receiver<()>) {
    let tasks = core.deps.tasks.clone();
    let working = Arc::clone(core);
    tasks.run(Task::new("callback.deliver").ends_itself(), move || supervise(Arc::clone(&working), changes.clone()));
    let purging = Arc::clone(core);
    tasks.run(Task::new("callback.purge"), move || purge::run(Arc::clone(&purging)));
    let measuring = Arc::clone(core);
    tasks.run(Task::new("callback.measure"), move || measure::run(Arc::clone(&measuring)));
    let ending = Arc::clone(core);
    tasks.run(Task::new("callback.gone_apps"), move || gone_apps::run(Arc::clone(&ending)));
}

/// A pair of tasks that serves an endpoint.
struct Pair {
    endpoint: watch::Sender<Arc<Endpoint>>,
    stop: Shutdown,
    work: JoinHandle<()>,
}

impl Drop for Pair {
    /// It still records the outcomes of its open calls.
    fn drop(&mut self) {
        self.stop.trigger();
    }
}

/// Serves every endpoint that no other process serves. Leases only avoid duplicate work; correctness (nothing
/// lost, nothing delivered from two rows) does not depend on them.
async fn supervise(core: Arc<Core>, mut changes: watch::Receiver<()>) {
    let owner = owner(&*core.deps.entropy);
    let mut pairs: HashMap<(AppId, i64), Pair> = HashMap::new();
    // By the steady clock.
    let (mut leased_until, mut broken) = (Duration::ZERO, HashSet::new());
    loop {
        changes.mark_unchanged();
        let began = core.deps.clock.elapsed();
        let endpoints = timeout(LOOK, ours(&core, &owner, &mut broken)).await;
        match endpoints.unwrap_or_else(|late| Err(Error::internal(late))) {
            Ok(endpoints) => {
                leased_until = began + LEASE;
                for (which, pair) in &pairs {
                    if !endpoints.contains_key(which) {
                        pair.stop.trigger();
                    }
                }
                // A stopped or failed one is replaced once it has ended.
                pairs.retain(|_, pair| !pair.work.is_finished());
                for (which, endpoint) in endpoints {
                    let endpoint = Arc::new(endpoint);
                    match pairs.get(&which) {
                        Some(pair) => _ = pair.endpoint.send_replace(endpoint),
                        None => _ = pairs.insert(which, pair(&core, endpoint, changes.clone())),
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "callback endpoints could not be read");
                if core.deps.clock.elapsed() + LOOK >= leased_until {
                    stop_all(&pairs);
                }
            }
        }
        tokio::select! {
            () = core.deps.tasks.shutdown().triggered() => break,
            _ = changes.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    stop_all(&pairs);
    for pair in pairs.values_mut() {
        // Its panic, if any, was logged.
        let _ = (&mut pair.work).await;
    }
    if let Err(error) = store::endpoint::release(&core.deps.db, &owner).await {
        tracing::debug!(%error, "leases could not be returned: other processes wait until they expire");
    }
}

fn stop_all(pairs: &HashMap<(AppId, i64), Pair>) {
    for pair in pairs.values() {
        pair.stop.trigger();
    }
}

/// A unique name for this process.
fn owner(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    hex(&bytes)
}

/// The endpoints that this process serves from now on. Broken ones are logged once.
async fn ours(
    core: &Core,
    owner: &str,
    broken: &mut HashSet<(AppId, i64)>,
) -> Result<HashMap<(AppId, i64), Endpoint>, Error> {
    // The data folder's lock ensures that only one process uses SQLite.
    let leased = match core.deps.db.engine() {
        Engine::Sqlite => None,
        Engine::Postgres => Some(store::endpoint::lease(&core.deps.db, &*core.deps.clock, owner, LEASE).await?),
    };
    let endpoints = store::endpoint::list(&core.deps.db, &core.key, None).await?;
    broken.retain(|which| endpoints.iter().any(|found| found.is_broken && (found.app, found.id) == *which));
    for found in endpoints.iter().filter(|found| found.is_broken) {
        if broken.insert((found.app, found.id)) {
            tracing::error!(app = %found.app, endpoint = found.id, why = found.paused, "an endpoint is broken and gets no callbacks");
        }
    }
    let active = endpoints.into_iter().filter(|endpoint| endpoint.paused.is_none());
    let active = active.map(|endpoint| ((endpoint.app, endpoint.id), endpoint));
    Ok(active.filter(|(which, _)| leased.as_ref().is_none_or(|leased| leased.contains(which))).collect())
}

fn pair(core: &Arc<Core>, endpoint: Arc<Endpoint>, changes: watch::Receiver<()>) -> Pair {
    let (sender, present) = watch::channel(Arc::clone(&endpoint));
    let stop = Shutdown::default();
    let work = tokio::spawn(work(Arc::clone(core), endpoint, present, changes, stop.clone()));
    Pair { endpoint: sender, stop, work }
}

/// Runs until it is stopped, then finishes open calls.
async fn work(
    core: Arc<Core>,
    endpoint: Arc<Endpoint>,
    present: watch::Receiver<Arc<Endpoint>>,
    changes: watch::Receiver<()>,
    stop: Shutdown,
) {
    let shared = Arc::new(Shared::default());
    let mut deliveries = Deliveries::new(Arc::clone(&core), present, Arc::clone(&shared), changes);
    tokio::select! {
        () = stop.triggered() => {}
        () = follow_on(&core, &endpoint, &shared) => {}
        () = deliver_on(&endpoint, &mut deliveries) => {}
    }
    deliveries.finish().await;
    core.wake();
}

/// Forever: internal errors and those of our own services are waited out.
async fn follow_on(core: &Core, endpoint: &Endpoint, shared: &Shared) {
    let mut rest = Backoff::default();
    loop {
        let done = follow::follow(core, endpoint, shared).await;
        metrics().feed.interrupted(Follower::Callback);
        rest.after("followed", endpoint, done).await;
    }
}

/// The same.
async fn deliver_on(endpoint: &Endpoint, deliveries: &mut Deliveries) {
    let mut rest = Backoff::default();
    loop {
        let done = deliveries.deliver().await;
        rest.after("delivered", endpoint, done).await;
    }
}

/// The signals between the two of a pair.
#[derive(Debug, Default)]
struct Shared {
    /// There are new deliveries.
    written: Notify,
    /// Some were tried, so there may be room for more.
    tried: Notify,
    /// When something was last delivered, in milliseconds of [`tidings_domain::Clock::elapsed`].
    delivered_at: AtomicU64,
}

impl Shared {
    /// Whether nothing was delivered recently.
    fn is_silent(&self, elapsed: Duration) -> bool {
        elapsed > Duration::from_millis(self.delivered_at.load(Ordering::SeqCst)) + STUCK
    }
}

/// The pause between two failures.
struct Backoff {
    next: Duration,
    began: Instant,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: REST, began: Instant::now() }
    }
}

impl Backoff {
    async fn after(&mut self, what: &str, endpoint: &Endpoint, done: Result<(), Error>) {
        if done.is_ok() || self.began.elapsed() >= WELL {
            self.next = REST;
        }
        if let Err(error) = done {
            tracing::warn!(%error, app = %endpoint.app, endpoint = endpoint.id, "events could not be {what}");
        }
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(LONGEST_REST);
        self.began = Instant::now();
    }
}
