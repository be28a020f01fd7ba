//! The appender: group commit behind a bounded queue.
//!
//! A few writer tasks each take everything that is queued, up to a limit, and append it in one transaction. A lone call
//! never waits for others; under load the transactions grow automatically. Calls are never split. Once accepted, a call
//! is completed even if the client disconnects. A writer that fails is restarted with its queue; the
//! calls of its open transaction are answered as unavailable.

mod batch;
mod call;
mod free_ids;
mod import;
mod lease;
mod queue;
mod writer;

use std::sync::Arc;

use tidings_domain::{Error, MsgId, Reason};
use tidings_runtime::Task;
use tokio::sync::{mpsc, oneshot};

pub use call::{AppendTarget, Call, Disposition, Refused, Reply, lane};
pub use lease::Lease;
use queue::{Queue, Room};

use crate::Deps;

/// Event lanes per app. Fixed: the lane is part of every event's position in the feed.
pub const LANES: i64 = 4;

/// A call queued for a writer.
pub(crate) struct Queued {
    call: Call,
    /// The caller's span, so that the trace of a call is linked to its transaction.
    span: tracing::Span,
    answer: oneshot::Sender<Result<Reply, Error>>,
    room: Room,
}

/// The entry point. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Appender {
    lease: Lease,
    writers: Arc<[mpsc::UnboundedSender<Queued>]>,
    queue: Queue,
}

/// Starts the writers.
pub fn start(deps: &Deps, lease: Lease) -> Appender {
    let writers = match deps.db.engine() {
        tidings_store::Engine::Sqlite => 1,
        tidings_store::Engine::Postgres => deps.appender.writers.max(1),
    };
    let hints = Arc::new(free_ids::FreeHints::new());
    let waiting = Queue::new(deps.appender.queue);
    let writers = (0..writers).map(|_| {
        let (queue, calls) = mpsc::unbounded_channel();
        let writer = Arc::new(writer::Writer {
            db: deps.db.clone(),
            clock: Arc::clone(&deps.clock),
            lease: lease.clone(),
            bound: deps.appender.batch,
            hints: Arc::clone(&hints),
            bus: Arc::clone(&deps.bus),
            queue: waiting.clone(),
            closing: deps.tasks.closing().clone(),
            waiting: tokio::sync::Mutex::new(writer::Waiting::new(calls)),
        });
        let task = Task::new("message.writer").needed_to_send().ends_itself();
        deps.tasks.run(task, move || Arc::clone(&writer).run());
        queue
    });
    let writers = writers.collect();
    let asked = waiting.clone();
    deps.tasks.conditions().ask(move || asked.trouble());
    Appender { lease, writers, queue: waiting }
}

impl Appender {
    /// Whether messages are being appended right now.
    pub fn is_busy(&self) -> bool {
        !self.queue.is_empty()
    }

    /// An id that no message has, for other uses.
    pub async fn mint(&self) -> Result<MsgId, Error> {
        self.lease.mint().await
    }

    /// Appends the call's messages and answers once they are durable. Refused as overload when the queue is full.
    pub async fn append(&self, call: Call) -> Result<Reply, Error> {
        let room = self.queue.admit(&call)?;
        // Conversations of one lane use the same writer, so that writers of a process seldom wait for each other's
        // locks.
        let writer = call.lane().unsigned_abs() as usize % self.writers.len();
        let (answer, answered) = oneshot::channel();
        if self.writers[writer].send(Queued { call, span: tracing::Span::current(), answer, room }).is_err() {
            return Err(Error::new(Reason::Unavailable, "stopping"));
        }
        // It is unknown whether it was written; if it is repeated under its key, it is written once.
        answered.await.map_err(|_| Error::new(Reason::Unavailable, "the writer failed or stops"))?
    }
}
