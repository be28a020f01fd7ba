//! How much waits for a client, counted for the session and for the process.

use std::sync::atomic::{AtomicUsize, Ordering};

use tidings_runtime::metrics;

/// Events, and the bytes that they came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Amount {
    pub events: usize,
    pub bytes: usize,
}

/// What waits for one session. What is left when it is dropped waits no longer.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    events: AtomicUsize,
    bytes: AtomicUsize,
}

impl Waiting {
    /// Adds some; returns what waited before.
    pub fn add(&self, more: Amount) -> Amount {
        metrics().realtime.waiting.inc_by(more.events as i64);
        let events = self.events.fetch_add(more.events, Ordering::Relaxed);
        Amount { events, bytes: self.bytes.fetch_add(more.bytes, Ordering::Relaxed) }
    }

    /// Takes some off.
    pub fn take(&self, some: Amount) {
        metrics().realtime.waiting.dec_by(some.events as i64);
        self.events.fetch_sub(some.events, Ordering::Relaxed);
        self.bytes.fetch_sub(some.bytes, Ordering::Relaxed);
    }

    /// Whether more than half of so much waits.
    pub fn is_over_half(&self, most: Amount) -> bool {
        self.events.load(Ordering::Relaxed) > most.events / 2 || self.bytes() > most.bytes / 2
    }

    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        metrics().realtime.waiting.dec_by(*self.events.get_mut() as i64);
    }
}
