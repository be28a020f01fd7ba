//! The workers: one pair for each endpoint, which follows the feed and delivers.

mod breaker;
mod deliver;
mod follow;
mod post;
mod purge;
mod schedule;

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tidings_domain::{AppId, Entropy, Error, UnixMillis, hex};
use tidings_store::Engine;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::timeout,
};

pub use purge::purge;

use crate::{app::Core, model::Endpoint, store};

/// How long until endpoints that another process has added or changed are seen.
const LOOK: Duration = Duration::from_secs(2);
/// How long a process has an endpoint for itself, unless it says so again.
const LEASE: Duration = Duration::from_secs(8);
/// Calls to one endpoint at once.
const AT_ONCE: usize = 64;
/// After how long without a delivery an endpoint is stuck.
const STUCK: Duration = Duration::from_secs(1);
/// How long a worker rests after a failure of ours.
const REST: Duration = Duration::from_secs(1);

/// Runs until shutdown.
pub fn spawn(core: Arc<Core>, changes: watch::Receiver<()>) {
    tokio::spawn(supervise(Arc::clone(&core), changes));
    tokio::spawn(purge::run(core));
}

/// A pair that works for an endpoint.
struct Pair {
    endpoint: watch::Sender<Arc<Endpoint>>,
    work: JoinHandle<()>,
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.work.abort();
    }
}

/// Works for every endpoint that no other process works for. A lease spares two processes the same work; that nothing
/// is lost or becomes two deliveries does not rest on it.
async fn supervise(core: Arc<Core>, mut changes: watch::Receiver<()>) {
    let owner = owner(&*core.deps.entropy);
    let mut pairs: HashMap<(AppId, i64), Pair> = HashMap::new();
    let mut leased_until = UnixMillis(0);
    loop {
        changes.mark_unchanged();
        let now = core.deps.clock.now();
        let endpoints = timeout(LOOK, ours(&core, &owner, now)).await;
        match endpoints.unwrap_or_else(|late| Err(Error::internal(late))) {
            Ok(endpoints) => {
                leased_until = now + LEASE;
                pairs.retain(|which, _| endpoints.contains_key(which));
                for (which, endpoint) in endpoints {
                    let endpoint = Arc::new(endpoint);
                    match pairs.get(&which) {
                        Some(pair) => _ = pair.endpoint.send_replace(endpoint),
                        None => _ = pairs.insert(which, pair(&core, endpoint, changes.clone())),
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "endpoints of callbacks could not be read");
                if core.deps.clock.now() + LOOK >= leased_until {
                    pairs.clear();
                }
            }
        }
        tokio::select! {
            () = core.deps.shutdown.triggered() => break,
            _ = changes.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    drop(pairs);
    if let Err(error) = store::endpoint::release(&core.deps.db, &owner).await {
        tracing::debug!(%error, "others wait until the leases have run out");
    }
}

/// A name that no other process has.
fn owner(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    hex(&bytes)
}

/// The endpoints that this process works for from now on.
async fn ours(core: &Core, owner: &str, now: UnixMillis) -> Result<HashMap<(AppId, i64), Endpoint>, Error> {
    // The data folder's lock makes the process with SQLite the only one.
    let leased = match core.deps.db.engine() {
        Engine::Sqlite => None,
        Engine::Postgres => Some(store::endpoint::lease(&core.deps.db, owner, now, now + LEASE).await?),
    };
    let endpoints = store::endpoint::list(&core.deps.db, &core.key, None).await?.into_iter();
    let told = endpoints.filter(|endpoint| endpoint.paused.is_none());
    let told = told.map(|endpoint| ((endpoint.app, endpoint.id), endpoint));
    Ok(told.filter(|(which, _)| leased.as_ref().is_none_or(|leased| leased.contains(which))).collect())
}

fn pair(core: &Arc<Core>, endpoint: Arc<Endpoint>, changes: watch::Receiver<()>) -> Pair {
    let (core, shared) = (Arc::clone(core), Arc::new(Shared::default()));
    let (sender, present) = watch::channel(Arc::clone(&endpoint));
    let work = tokio::spawn(async move {
        let follow = again("followed", &endpoint, || follow::follow(&core, &endpoint, &shared));
        let deliver = again("delivered", &endpoint, || deliver::deliver(&core, &present, &shared, changes.clone()));
        tokio::join!(follow, deliver);
    });
    Pair { endpoint: sender, work }
}

/// What the two of a pair tell each other.
#[derive(Debug, Default)]
struct Shared {
    /// Deliveries that were written and not tried yet.
    untried: AtomicI64,
    /// There are new ones.
    written: Notify,
    /// There is room for more.
    tried: Notify,
    /// When something was last delivered, in milliseconds.
    delivered_at: AtomicI64,
}

impl Shared {
    /// Whether more waits than can be posted at once, and nothing of it is delivered.
    fn is_stuck(&self, now: UnixMillis) -> bool {
        let silent = now.0 - self.delivered_at.load(Ordering::SeqCst);
        self.untried.load(Ordering::SeqCst) >= AT_ONCE as i64 && silent > STUCK.as_millis() as i64
    }

    /// Waits until fewer than `most` are untried.
    async fn room(&self, most: i64) {
        loop {
            let tried = self.tried.notified();
            if self.untried.load(Ordering::SeqCst) < most {
                return;
            }
            tried.await;
        }
    }
}

/// Does it for ever: a failure of ours, or of our own services, is waited out.
async fn again<F>(what: &str, endpoint: &Endpoint, work: impl Fn() -> F)
where
    F: Future<Output = Result<(), Error>>,
{
    loop {
        if let Err(error) = work().await {
            tracing::warn!(%error, app = %endpoint.app, endpoint = endpoint.id, "events could not be {what}");
        }
        tokio::time::sleep(REST).await;
    }
}
