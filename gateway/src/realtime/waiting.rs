//! How many events wait for a client, counted for the session and for the process.

use std::sync::atomic::{AtomicUsize, Ordering};

use tidings_runtime::metrics;

/// The events that wait for one session. What is left when it is dropped waits no longer.
#[derive(Debug, Default)]
pub(super) struct Waiting(AtomicUsize);

impl Waiting {
    /// Adds some; returns how many waited before.
    pub fn add(&self, events: usize) -> usize {
        metrics().realtime.waiting.inc_by(events as i64);
        self.0.fetch_add(events, Ordering::Relaxed)
    }

    /// Takes some off.
    pub fn take(&self, events: usize) {
        metrics().realtime.waiting.dec_by(events as i64);
        self.0.fetch_sub(events, Ordering::Relaxed);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        metrics().realtime.waiting.dec_by(*self.0.get_mut() as i64);
    }
}
