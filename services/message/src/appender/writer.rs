//! One writer: gathers calls, appends them, answers them.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tidings_domain::{Clock, Error, Reason};
use tidings_store::{Db, Lost, is_conflict, lost};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tracing::Span;

use super::{Lease, Queued, Reply, batch, import::UsedUp};
use crate::store::key::Key;

/// How often a transaction that got in another's way is tried before its calls fail as unavailable.
const TRIES: usize = 20;
/// The same of one whose connection was cut, as by a server that starts again.
const TRIES_CUT_OFF: usize = 3;
/// A transaction that failed after so long says that the database is away: what has been waiting for it since is told so too,
/// instead of waiting for as long once more.
const AWAY: Duration = Duration::from_secs(2);

/// Bytes of content that one transaction takes, unless a single call has more.
const MOST_BYTES: usize = 8 * 1024 * 1024;

pub(super) struct Writer {
    pub(super) db: Db,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) lease: Lease,
    /// Messages that one transaction takes, unless a single call has more.
    pub(super) bound: usize,
    pub(super) used_up: Arc<UsedUp>,
    pub(super) news: watch::Sender<()>,
}

impl Writer {
    /// Runs until every sender is gone and the queue is empty.
    pub(super) async fn run(self, mut calls: mpsc::UnboundedReceiver<Queued>) {
        let mut held_back: Option<Queued> = None;
        loop {
            let first = match held_back.take() {
                Some(queued) => queued,
                None => match calls.recv().await {
                    Some(queued) => queued,
                    None => return,
                },
            };
            let mut gathered = Gathered::new(first);
            while gathered.messages < self.bound {
                let Ok(queued) = calls.try_recv() else { break };
                held_back = gathered.add(queued, self.bound);
                if held_back.is_some() {
                    break;
                }
            }
            let began = Instant::now();
            let failed = self.settle(gathered.calls).await.err();
            if let Some(error) = failed.filter(|error| error.reason() == Reason::Unavailable && began.elapsed() >= AWAY)
            {
                refuse(held_back.take().into_iter().chain(std::iter::from_fn(|| calls.try_recv().ok())), &error);
            }
        }
    }

    /// Appends the calls in one transaction. When that fails for a reason that may lie in one of them, each gets a
    /// transaction of its own, so that no call answers for another.
    ///
    /// The transaction stands in the trace of its first call and is linked to the traces of the others.
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
        match self.append(&calls).await {
            Ok(replies) => {
                self.news.send_replace(());
                for (queued, reply) in calls.into_iter().zip(replies) {
                    // A client that went away is no concern: its messages are in the log.
                    let _ = queued.answer.send(reply);
                }
                Ok(())
            }
            Err(error) if calls.len() == 1 || error.reason().is_transient() => {
                tracing::warn!(%error, cause = ?std::error::Error::source(&error), "calls were not appended, as far as is known");
                refuse(calls, &error);
                Err(error)
            }
            Err(_) => {
                for queued in calls {
                    // What is wrong with one says nothing of the others.
                    let _ = Box::pin(self.settle(vec![queued])).await;
                }
                Ok(())
            }
        }
    }

    /// Tries again what had no effect, and also what may have had one where a repetition shows: every call has a key.
    async fn append(&self, calls: &[Queued]) -> Result<Vec<Result<Reply, Error>>, Error> {
        let calls: Vec<_> = calls.iter().map(|queued| &queued.call).collect();
        let all_keyed = calls.iter().all(|call| call.key.is_some());
        let mut tries = 0;
        loop {
            tries += 1;
            match batch::append(&self.db, &self.lease, &*self.clock, &self.used_up, &calls).await {
                Err(error) if is_conflict(&error) && tries < TRIES => {}
                Err(error) if tries < TRIES_CUT_OFF && may_repeat(&error, all_keyed) => {}
                done => return done,
            }
        }
    }
}

fn may_repeat(error: &Error, all_keyed: bool) -> bool {
    match lost(error) {
        Some(Lost::Undone) => true,
        Some(Lost::Unknown) => all_keyed,
        None => false,
    }
}

/// Answers calls that may be tried again.
fn refuse(calls: impl IntoIterator<Item = Queued>, error: &Error) {
    for queued in calls {
        let _ = queued.answer.send(Err(Error::new(error.reason(), error.subject())));
    }
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

    /// Takes the call in, or gives it back: when there is no room, or when one here has the same key, whose outcome
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
