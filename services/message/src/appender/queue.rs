//! Limits the queue of the writers: messages, and their size in the log.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tidings_domain::{Error, Reason};
use tidings_runtime::metrics;
use tokio::time::Instant;

use super::Call;

/// Maximum bytes in the queue, and of one call, with the content counted for each of its conversations.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// How long calls may wait without any being completed before the writers count as stuck.
const STUCK: Duration = Duration::from_secs(10);

/// The queue's counters. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Queue(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Maximum number of queued messages.
    limit: usize,
    messages: AtomicUsize,
    bytes: AtomicUsize,
    started: Instant,
    /// When a writer last ended a transaction, or a call found the queue empty; in milliseconds since the start.
    moved_at: AtomicU64,
}

/// A call's share of the queue, until it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    queue: Queue,
    pub messages: usize,
    pub bytes: usize,
}

impl Queue {
    /// With room for `limit` messages.
    pub fn new(limit: usize) -> Self {
        let (messages, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self(Arc::new(Inner { limit, messages, bytes, started: Instant::now(), moved_at: AtomicU64::new(0) }))
    }

    /// Whether the queue is empty.
    pub fn is_empty(&self) -> bool {
        self.0.messages.load(Ordering::Relaxed) == 0
    }

    /// Records that a writer has ended a transaction.
    pub fn moved(&self) {
        self.0.moved_at.store(self.elapsed(), Ordering::Relaxed);
    }

    /// Why messages cannot be sent: nothing in the queue makes progress.
    pub fn trouble(&self) -> Option<String> {
        let still = self.elapsed().saturating_sub(self.0.moved_at.load(Ordering::Relaxed));
        let waiting = self.0.messages.load(Ordering::Relaxed);
        let is_stuck = waiting > 0 && still >= STUCK.as_millis() as u64;
        is_stuck.then(|| format!("the writers are stuck: {waiting} messages wait, and none was written for {still} ms"))
    }

    fn elapsed(&self) -> u64 {
        self.0.started.elapsed().as_millis() as u64
    }

    /// Room for a call. Refused as overload when there is none; when the queue is empty every call finds room, unless
    /// it is too large by itself.
    pub fn admit(&self, call: &Call) -> Result<Room, Error> {
        let messages = call.places.len();
        let bytes = call.content.size().saturating_mul(messages);
        if bytes > MOST_BYTES {
            return Err(Error::new(Reason::MessageTooLarge, "message, with all its recipients"));
        }
        let before =
            (self.0.messages.fetch_add(messages, Ordering::Relaxed), self.0.bytes.fetch_add(bytes, Ordering::Relaxed));
        metrics().appender.queued_messages.inc_by(messages as i64);
        metrics().appender.queued_bytes.inc_by(bytes as i64);
        // Returns what it took when it is refused.
        let room = Room { queue: self.clone(), messages, bytes };
        if before.0 == 0 {
            self.moved();
        }
        if before.0 > 0 && (before.0 + messages > self.0.limit || before.1 + bytes > MOST_BYTES) {
            return Err(Error::new(Reason::Overloaded, ""));
        }
        Ok(room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.queue.0.messages.fetch_sub(self.messages, Ordering::Relaxed);
        self.queue.0.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        metrics().appender.queued_messages.dec_by(self.messages as i64);
        metrics().appender.queued_bytes.dec_by(self.bytes as i64);
    }
}
