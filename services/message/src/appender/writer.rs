//! One writer: gathers calls, appends them, answers them.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tidings_domain::{AppId, Clock, Error, Reason, UnixMillis};
use tidings_runtime::{Bus, Hint, Shutdown, fault, metrics};
use tidings_store::{Db, LostTransaction, is_conflict, lost};
use tokio::{
    sync::{Mutex, mpsc},
    time::{Instant, sleep},
};
use tracing::Span;

use super::{Lease, Queued, Reply, batch, free_ids::FreeHints, queue::Queue};
use crate::store::key::Key;

/// How often a conflicting transaction is tried before its calls fail as unavailable.
const TRIES: u32 = 20;
/// The pause between the second attempt and the third; twice as long each time, up to 64 times.
const FIRST_REST: Duration = Duration::from_millis(1);
/// How often a transaction is tried whose connection was cut, as by a restarting server.
const TRIES_CUT_OFF: u32 = 3;
/// A transaction that failed after this time means that the database is unavailable: the calls queued since then fail
/// too, instead of waiting for as long once more.
const AWAY: Duration = Duration::from_secs(2);

/// Bytes of content per transaction, unless a single call has more.
const MOST_BYTES: usize = 8 * 1024 * 1024;

pub(super) struct Writer {
    pub(super) db: Db,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) lease: Lease,
    /// Messages per transaction, unless a single call has more.
    pub(super) bound: usize,
    pub(super) hints: Arc<FreeHints>,
    pub(super) bus: Arc<dyn Bus>,
    pub(super) queue: Queue,
    /// Signals that there are no more calls.
    pub(super) closing: Shutdown,
    /// Survives a failure of the task, which is the only one to lock it.
    pub(super) waiting: Mutex<Waiting>,
}

/// The calls that a writer has not started.
pub(super) struct Waiting {
    calls: mpsc::UnboundedReceiver<Queued>,
    held_back: Option<Queued>,
}

impl Waiting {
    pub(super) const fn new(calls: mpsc::UnboundedReceiver<Queued>) -> Self {
        Self { calls, held_back: None }
    }

    /// The next call; `None` when there is none and no more can arrive.
    async fn next(&mut self, closing: &Shutdown) -> Option<Queued> {
        if let Some(queued) = self.held_back.take() {
            return Some(queued);
        }
        tokio::select! {
            biased;
            queued = self.calls.recv() => queued,
            () = closing.triggered() => None,
        }
    }
}

impl Writer {
    /// Runs until no more calls can arrive and the queue is empty.
    pub(super) async fn run(self: Arc<Self>) {
        let mut waiting = self.waiting.lock().await;
        while let Some(first) = waiting.next(&self.closing).await {
            let mut gathered = Gathered::new(first);
            while gathered.messages < self.bound {
                let Ok(queued) = waiting.calls.try_recv() else { break };
                waiting.held_back = gathered.add(queued, self.bound);
                if waiting.held_back.is_some() {
                    break;
                }
            }
            let began = Instant::now();
            let failed = self.settle(gathered.calls).await.err();
            self.queue.moved();
            if let Some(error) = failed.filter(|error| error.reason() == Reason::Unavailable && began.elapsed() >= AWAY)
            {
                let waiting = &mut *waiting;
                let held_back = waiting.held_back.take().into_iter();
                refuse(held_back.chain(std::iter::from_fn(|| waiting.calls.try_recv().ok())), &error);
            }
        }
    }

    /// Appends the calls in one transaction. If that fails for a reason that may be in one of them, each gets a
    /// transaction of its own, so that no call fails because of another.
    ///
    /// The transaction is part of the trace of its first call and is linked to the traces of the others.
    #[tracing::instrument(
        level = "debug",
        name = "message.append",
        parent = calls.first().and_then(|queued| queued.span.id()),
        skip_all,
        fields(calls = calls.len())
    )]
    async fn settle(&self, calls: Vec<Queued>) -> Result<(), Error> {
        for queued in calls.iter().skip(1) {
            Span::current().follows_from(&queued.span);
        }
        let began = Instant::now();
        match self.append(&calls).await {
            Ok(replies) => {
                let messages = calls.iter().map(|queued| queued.room.messages).sum();
                metrics().appender.committed(messages, began.elapsed());
                let apps: HashSet<AppId> = calls.iter().map(|queued| queued.call.app).collect();
                for app in apps {
                    self.bus.publish(Hint::Events(app));
                }
                for (queued, reply) in calls.into_iter().zip(replies) {
                    // The client may have disconnected: its messages are in the log anyway.
                    let _ = queued.answer.send(reply);
                }
                Ok(())
            }
            Err(error) if calls.len() == 1 || error.reason().is_transient() => {
                tracing::warn!(%error, cause = ?std::error::Error::source(&error), "calls were probably not appended");
                metrics().appender.failed();
                refuse(calls, &error);
                Err(error)
            }
            Err(_) => {
                for queued in calls {
                    // An error in one says nothing about the others.
                    let _ = Box::pin(self.settle(vec![queued])).await;
                }
                Ok(())
            }
        }
    }

    /// Retries what had no effect, and also what may have had one if repetitions are detected: every call has a key.
    async fn append(&self, calls: &[Queued]) -> Result<Vec<Result<Reply, Error>>, Error> {
        let calls: Vec<_> = calls.iter().map(|queued| &queued.call).collect();
        let all_keyed = calls.iter().all(|call| call.key.is_some());
        let mut tries = 0;
        fault::point("message.writer");
        loop {
            tries += 1;
            match batch::append(&self.db, &self.lease, &*self.clock, &self.hints, &calls).await {
                Err(error) if is_conflict(&error) && tries < TRIES => {
                    metrics().appender.conflicts.inc();
                    sleep(rest(tries, self.clock.now())).await;
                }
                Err(error) if tries < TRIES_CUT_OFF && may_repeat(&error, all_keyed) => {}
                done => return done,
            }
        }
    }
}

fn may_repeat(error: &Error, all_keyed: bool) -> bool {
    match lost(error) {
        Some(LostTransaction::Undone) => true,
        Some(LostTransaction::Unknown) => all_keyed,
        None => false,
    }
}

/// Answers calls that may be retried.
fn refuse(calls: impl IntoIterator<Item = Queued>, error: &Error) {
    for queued in calls {
        let _ = queued.answer.send(Err(Error::new(error.reason(), error.subject())));
    }
}

/// The back-off after a conflict: none after the first, then longer each time, with jitter.
fn rest(tries: u32, now: UnixMillis) -> Duration {
    if tries == 1 {
        return Duration::ZERO;
    }
    let most = FIRST_REST * (1 << (tries - 2).min(6));
    let part = u32::try_from(now.0.rem_euclid(8)).unwrap_or(0);
    most / 2 + most / 16 * part
}

/// Calls for one transaction.
struct Gathered {
    calls: Vec<Queued>,
    messages: usize,
    bytes: usize,
    keys: HashSet<Key>,
}

impl Gathered {
    fn new(first: Queued) -> Self {
        let keys = first.call.key.iter().map(|new| new.key.clone()).collect();
        Self { messages: first.room.messages, bytes: first.room.bytes, calls: vec![first], keys }
    }

    /// Adds the call, or returns it: when there is no room, or when one here has the same key, whose outcome
    /// it then waits for.
    fn add(&mut self, queued: Queued, bound: usize) -> Option<Queued> {
        let (messages, bytes) = (self.messages + queued.room.messages, self.bytes + queued.room.bytes);
        if messages > bound || bytes > MOST_BYTES {
            return Some(queued);
        }
        if let Some(new) = &queued.call.key
            && !self.keys.insert(new.key.clone())
        {
            return Some(queued);
        }
        (self.messages, self.bytes) = (messages, bytes);
        self.calls.push(queued);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_back_off_up_to_a_bound() {
        let rests = |now| (1..TRIES).map(|tries| rest(tries, UnixMillis(now)).as_micros()).collect::<Vec<_>>();
        assert_eq!(rests(0)[..9], [0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 32_000]);
        assert!(rests(7).iter().all(|micros| *micros < 64_000));
        assert_ne!(rests(3)[1], rests(4)[1]);
    }
}
