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

use tidings_domain::{AppId, Error};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};

use crate::{app::Core, model::Endpoint, store};

/// How long until endpoints that another process has added or changed are seen.
const LOOK: Duration = Duration::from_secs(5);
/// How long a worker rests after a failure of ours.
const REST: Duration = Duration::from_secs(1);

/// Runs until shutdown.
pub fn spawn(core: Arc<Core>, changes: watch::Receiver<()>) {
    tokio::spawn(supervise(Arc::clone(&core), changes));
    tokio::spawn(purge::run(core));
}

/// A pair that works for an endpoint.
struct Pair(JoinHandle<()>);

impl Drop for Pair {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn supervise(core: Arc<Core>, mut changes: watch::Receiver<()>) {
    let mut pairs: HashMap<(AppId, i64), Pair> = HashMap::new();
    loop {
        changes.mark_unchanged();
        match store::endpoint::list(&core.deps.db, &core.key, None).await {
            Ok(endpoints) => {
                let active: HashMap<_, _> = endpoints
                    .into_iter()
                    .filter(|endpoint| endpoint.paused.is_none())
                    .map(|endpoint| ((endpoint.app, endpoint.id), endpoint))
                    .collect();
                pairs.retain(|which, _| active.contains_key(which));
                for (which, endpoint) in active {
                    pairs.entry(which).or_insert_with(|| pair(&core, endpoint, changes.clone()));
                }
            }
            Err(error) => tracing::warn!(%error, "endpoints of callbacks could not be read"),
        }
        tokio::select! {
            () = core.deps.shutdown.triggered() => return,
            _ = changes.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

fn pair(core: &Arc<Core>, endpoint: Endpoint, changes: watch::Receiver<()>) -> Pair {
    let (core, endpoint, shared) = (Arc::clone(core), Arc::new(endpoint), Arc::new(Shared::default()));
    Pair(tokio::spawn(async move {
        let follow = again("followed", &endpoint, || follow::follow(&core, &endpoint, &shared));
        let deliver = again("delivered", &endpoint, || deliver::deliver(&core, &endpoint, &shared, changes.clone()));
        tokio::join!(follow, deliver);
    }))
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
}

impl Shared {
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
