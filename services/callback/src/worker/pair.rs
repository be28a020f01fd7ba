//! The pair of loops that works for an endpoint.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tidings_domain::Error;
use tidings_runtime::{
    Shutdown,
    metrics::{Follower, metrics},
};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::{Lease, REST, Shared, deliver::Deliveries, follow};
use crate::{app::Core, model::Endpoint};

const LONGEST_REST: Duration = Duration::from_secs(8);
/// A worker that ran for so long was healthy.
const WELL: Duration = Duration::from_mins(1);

/// A pair that works for an endpoint.
pub struct Pair {
    endpoint: watch::Sender<Arc<Endpoint>>,
    stop: Shutdown,
    has_ended: Arc<AtomicBool>,
}

impl Drop for Pair {
    /// It still records the outcomes of its open calls.
    fn drop(&mut self) {
        self.stop_soon();
    }
}

impl Pair {
    /// `ended` is signalled when it has ended because it was stopped.
    pub fn start(
        core: &Arc<Core>,
        endpoint: Arc<Endpoint>,
        changes: watch::Receiver<()>,
        lease: &Arc<Lease>,
        ended: &Arc<Notify>,
    ) -> Self {
        let (sender, present) = watch::channel(Arc::clone(&endpoint));
        let (stop, has_ended) = (Shutdown::default(), Arc::new(AtomicBool::new(false)));
        let shared = Arc::new(Shared::default());
        let deliveries = Deliveries::new(Arc::clone(core), present, Arc::clone(&shared), changes, Arc::clone(lease));
        let work = tokio::spawn(work(Arc::clone(core), endpoint, deliveries, shared, stop.clone()));
        let (ending, ended) = (Arc::clone(&has_ended), Arc::clone(ended));
        tokio::spawn(async move {
            // One that panicked was logged; it is replaced when endpoints are looked at next.
            let is_stopped = work.await.is_ok();
            ending.store(true, Ordering::SeqCst);
            if is_stopped {
                ended.notify_one();
            }
        });
        Self { endpoint: sender, stop, has_ended }
    }

    /// It works with this from now on.
    pub fn update(&self, endpoint: Arc<Endpoint>) {
        self.endpoint.send_replace(endpoint);
    }

    /// Makes no more calls, and ends once those that are open have ended and their outcomes are recorded.
    pub fn stop(&self) {
        self.stop.drain();
    }

    /// The same, but calls that take long are given up.
    pub fn stop_soon(&self) {
        self.stop.trigger();
    }

    /// Whether nothing of it is left: no call is open, nothing more is written.
    pub fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::SeqCst)
    }
}

/// Until it is told to stop. Open calls are finished then.
async fn work(
    core: Arc<Core>,
    endpoint: Arc<Endpoint>,
    mut deliveries: Deliveries,
    shared: Arc<Shared>,
    stop: Shutdown,
) {
    tokio::select! {
        // First, so that nothing more is posted once it was told.
        biased;
        () = stop.draining() => {}
        () = follow_on(&core, &endpoint, &shared) => {}
        () = deliver_on(&endpoint, &mut deliveries) => {}
    }
    deliveries.finish(&stop).await;
}

/// Forever: internal errors and those of our own services are waited out.
async fn follow_on(core: &Core, endpoint: &Endpoint, shared: &Shared) {
    let mut rest = Rest::default();
    loop {
        let done = follow::follow(core, endpoint, shared).await;
        metrics().feed.interrupted(Follower::Callback);
        rest.after("followed", endpoint, done).await;
    }
}

/// The same.
async fn deliver_on(endpoint: &Endpoint, deliveries: &mut Deliveries) {
    let mut rest = Rest::default();
    loop {
        let done = deliveries.deliver().await;
        rest.after("delivered", endpoint, done).await;
    }
}

/// The pause between two failures.
struct Rest {
    next: Duration,
    began: Instant,
}

impl Default for Rest {
    fn default() -> Self {
        Self { next: REST, began: Instant::now() }
    }
}

impl Rest {
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
