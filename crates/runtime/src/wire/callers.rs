//! When a peer was last called, and the calls waiting for one of its processes.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

/// What the replicas of a peer know of their callers.
#[derive(Debug)]
pub(super) struct Callers {
    changed: watch::Sender<()>,
    started: Instant,
    /// Milliseconds after the start.
    asked_at: AtomicU64,
}

impl Callers {
    pub fn new(now: Instant) -> Self {
        Self { changed: watch::Sender::new(()), started: now, asked_at: AtomicU64::new(0) }
    }

    /// Records a call of the peer.
    pub fn ask(&self, now: Instant) {
        self.asked_at.store((now - self.started).as_millis() as u64, Ordering::Relaxed);
    }

    /// The time since the last call.
    pub fn idle_time(&self) -> Duration {
        self.started.elapsed().saturating_sub(Duration::from_millis(self.asked_at.load(Ordering::Relaxed)))
    }

    /// Signals a change of a replica.
    pub fn notify(&self) {
        self.changed.send_replace(());
    }

    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}
