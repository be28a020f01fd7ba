//! The workers: one pair for each endpoint, which follows the feed and delivers.

mod breaker;
mod deliver;
mod follow;
mod gone_apps;
mod measure;
mod pair;
mod post;
mod purge;
mod schedule;
mod sharing;
mod supervise;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tidings_runtime::Task;
use tokio::sync::{Notify, watch};

pub use purge::purge;

use crate::app::Core;

/// Concurrent calls to one endpoint.
const AT_ONCE: usize = 64;
/// After how long without a delivery an endpoint counts as stuck.
const STUCK: Duration = Duration::from_secs(1);
/// How long a worker pauses after an internal error; twice as long after each further one.
const REST: Duration = Duration::from_secs(1);

/// Runs until shutdown.
pub fn spawn(core: &Arc<Core>, changes: watch::Receiver<()>) {
    let tasks = core.deps.tasks.clone();
    let working = Arc::clone(core);
    tasks.run(Task::new("callback.deliver").ends_itself(), move || {
        supervise::supervise(Arc::clone(&working), changes.clone())
    });
    let purging = Arc::clone(core);
    tasks.run(Task::new("callback.purge"), move || purge::run(Arc::clone(&purging)));
    let measuring = Arc::clone(core);
    tasks.run(Task::new("callback.measure"), move || measure::run(Arc::clone(&measuring)));
    let ending = Arc::clone(core);
    tasks.run(Task::new("callback.gone_apps"), move || gone_apps::run(Arc::clone(&ending)));
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

/// Until when this process holds its endpoints, in milliseconds of [`tidings_domain::Clock::elapsed`], which goes on while
/// the process is suspended.
#[derive(Debug, Default)]
struct Lease(AtomicU64);

impl Lease {
    fn extend(&self, until: Duration) {
        self.0.store(until.as_millis() as u64, Ordering::SeqCst);
    }

    fn until(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn is_over(&self, elapsed: Duration) -> bool {
        elapsed >= self.until()
    }
}
