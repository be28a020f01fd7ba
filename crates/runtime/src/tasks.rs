//! Runs the background tasks of a process, and restarts those that end or panic.
//!
//! A task that ended is logged with its error and restarted after a pause, which doubles while it keeps failing. It
//! counts as failed until it has run for as long as the pause. All end with the process: most are aborted, which must
//! be as safe as a crash; some have something to finish first.

use std::{
    any::Any,
    future::Future,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{Conditions, Shutdown, metrics};

/// The pause before the first restart of a task.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A task that ran for this long is healthy: its next failure counts as the first.
const WELL: Duration = Duration::from_mins(1);

/// The name of a background task, and what depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Task {
    name: &'static str,
    is_needed_to_send: bool,
    ends_itself: bool,
}

impl Task {
    /// A task that works in the background of calls, and is aborted at shutdown. `name` is for the log.
    pub const fn new(name: &'static str) -> Self {
        Self { name, is_needed_to_send: false, ends_itself: false }
    }

    /// Without it messages cannot be sent: while it is down, the process is not ready.
    #[must_use]
    pub const fn needed_to_send(self) -> Self {
        Self { is_needed_to_send: true, ..self }
    }

    /// It handles [`Tasks::shutdown`] or [`Tasks::closing`] itself and is waited for.
    #[must_use]
    pub const fn ends_itself(self) -> Self {
        Self { ends_itself: true, ..self }
    }
}

/// The background tasks of a process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tasks(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    shutdown: Shutdown,
    closing: Shutdown,
    conditions: Conditions,
    running: Mutex<JoinSet<()>>,
}

impl Tasks {
    /// Runs the future that `make` returns, and restarts it with a new one, until shutdown.
    pub fn run<F>(&self, task: Task, make: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        self.running().spawn(async move {
            let supervised = inner.supervise(task, make);
            if task.ends_itself {
                return supervised.await;
            }
            tokio::select! {
                () = inner.shutdown.triggered() => {}
                () = supervised => {}
            }
        });
    }

    /// The signal that the process must stop.
    pub fn shutdown(&self) -> &Shutdown {
        &self.0.shutdown
    }

    /// The signal that no call is open any more, so no new work arrives.
    pub fn closing(&self) -> &Shutdown {
        &self.0.closing
    }

    /// The conditions that keep the process from sending.
    pub fn conditions(&self) -> &Conditions {
        &self.0.conditions
    }

    /// Ends every task once no call is open any more. Those that take longer than `patience` are aborted.
    pub async fn finish(&self, patience: Duration) {
        self.0.shutdown.trigger();
        self.0.closing.trigger();
        let mut running = std::mem::take(&mut *self.running());
        let ended = async { while running.join_next().await.is_some() {} };
        if timeout(patience, ended).await.is_err() {
            tracing::warn!(tasks = running.len(), "some background tasks did not end in time and were aborted");
        }
        running.shutdown().await;
    }

    fn running(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    async fn supervise<F>(&self, task: Task, make: impl Fn() -> F + Send + Sync)
    where
        F: Future<Output = ()> + Send,
    {
        // None: it has not failed, or has run for long enough since.
        let mut paused: Option<Duration> = None;
        loop {
            let began = Instant::now();
            let mut work = pin!(AssertUnwindSafe(async { make().await }).catch_unwind());
            let ended = match paused {
                None => work.await,
                Some(pause) => tokio::select! {
                    ended = &mut work => ended,
                    () = sleep(pause) => {
                        self.is_down(task, None);
                        work.await
                    }
                },
            };
            let why = match ended {
                Ok(()) if self.shutdown.is_triggered() => return,
                Ok(()) => "it ended".to_owned(),
                Err(panic) => format!("it panicked: {}", words(&*panic)),
            };
            let pause = next_pause(paused.filter(|_| began.elapsed() < WELL));
            tracing::error!(task = task.name, why, ?pause, "a background task failed and is restarted");
            metrics().upkeep.task_failed(task.name);
            self.is_down(task, Some(format!("the task {} failed: {why}", task.name)));
            paused = Some(pause);
            // Accepted work is finished even by a task that failed during shutdown.
            sleep(pause).await;
        }
    }

    fn is_down(&self, task: Task, why: Option<String>) {
        if task.is_needed_to_send {
            self.conditions.set(task.name, why);
        }
    }
}

/// The pause before a failed task is restarted; `before` is the previous pause, if it has failed recently.
fn next_pause(before: Option<Duration>) -> Duration {
    before.map_or(FIRST_PAUSE, |before| (before * 2).min(LONGEST_PAUSE))
}

/// The message of a panic.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::mpsc;

    use super::*;

    /// Runs a task that reports its starts and panics at the first `failures` of them.
    fn counted(tasks: &Tasks, task: Task, failures: usize) -> mpsc::UnboundedReceiver<()> {
        let (started, starts) = mpsc::unbounded_channel();
        let count = Arc::new(AtomicUsize::new(0));
        tasks.run(task, move || {
            let nth = count.fetch_add(1, Ordering::SeqCst);
            // There may be no receiver.
            let _ = started.send(());
            async move {
                assert!(nth >= failures, "start {nth}");
                std::future::pending::<()>().await;
            }
        });
        starts
    }

    async fn wait_for(what: impl Fn() -> bool) {
        while !what() {
            sleep(Duration::from_millis(1)).await;
        }
    }

    #[test]
    fn pauses_double_up_to_a_bound() {
        let pauses = std::iter::successors(Some(next_pause(None)), |before| Some(next_pause(Some(*before))));
        let tenths: Vec<_> = pauses.take(11).map(|pause| pause.as_millis() / 100).collect();
        assert_eq!(tenths, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    #[tokio::test]
    async fn what_panics_is_started_again_and_messages_cannot_be_sent_until_it_is_well() {
        let tasks = Tasks::default();
        let mut starts = counted(&tasks, Task::new("t.writer").needed_to_send(), 3);
        let mut others = counted(&tasks, Task::new("t.purge"), usize::MAX);
        assert_eq!(tasks.conditions().first(), None);
        for _ in 0..4 {
            starts.recv().await.expect("a start");
        }
        others.recv().await.expect("a start");
        // It runs again, and is not yet considered healthy.
        let why = tasks.conditions().first().expect("a reason");
        assert_eq!(why, "the task t.writer failed: it panicked: start 2");
        wait_for(|| tasks.conditions().first().is_none()).await;
        tasks.finish(Duration::ZERO).await;
    }

    #[tokio::test]
    async fn what_ends_is_started_again_and_what_has_something_to_finish_is_waited_for() {
        let tasks = Tasks::default();
        let (count, saved) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&count);
        tasks.run(Task::new("t.ends"), move || {
            counted.fetch_add(1, Ordering::SeqCst);
            async {}
        });
        let (closing, save) = (tasks.clone(), Arc::clone(&saved));
        tasks.run(Task::new("t.saves").ends_itself(), move || {
            let (closing, save) = (closing.clone(), Arc::clone(&save));
            async move {
                closing.closing().triggered().await;
                tokio::task::yield_now().await;
                save.fetch_add(1, Ordering::SeqCst);
            }
        });
        wait_for(|| count.load(Ordering::SeqCst) >= 3).await;
        tasks.finish(Duration::from_mins(1)).await;
        assert_eq!(saved.load(Ordering::SeqCst), 1);
    }
}
