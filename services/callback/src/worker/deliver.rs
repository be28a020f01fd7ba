//! Posts due deliveries, several at once, and records their outcomes.

use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tidings_domain::{App, Error, UnixMillis};
use tidings_runtime::{Shutdown, metrics};
use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};

use super::{
    AT_ONCE, Lease, REST, Shared,
    breaker::Breaker,
    post::{self, Answer},
    schedule::judge,
};
use crate::{
    app::Core,
    model::{Attempt, Due, Endpoint, Outcome, State},
    store::{self, delivery},
};

/// Outcomes recorded per transaction.
const BATCH: usize = 256;
/// How long it sleeps when nothing is due.
const LOOK: Duration = Duration::from_secs(5);
/// How long open calls may take when the process stops or has lost its lease. Those without an answer by then are made
/// again.
const PATIENCE: Duration = Duration::from_secs(5);
/// The pause while it is not known whether another process has the endpoint now.
const UNSURE: Duration = Duration::from_millis(100);

/// The maximum normal difference between clocks.
const SET_BACK: Duration = Duration::from_secs(10);
/// Deliveries that are made due per transaction.
const STEP: i64 = 1000;

/// A finished attempt.
type Ended = (Arc<Due>, Attempt, Answer);

/// The deliveries to one endpoint. Open calls survive an internal error.
pub struct Deliveries {
    core: Arc<Core>,
    present: watch::Receiver<Arc<Endpoint>>,
    shared: Arc<Shared>,
    changes: watch::Receiver<()>,
    lease: Arc<Lease>,
    breaker: Breaker,
    /// The last seen offset of the time from the steady clock, in milliseconds.
    ahead: Option<i64>,
    /// Deliveries whose outcome is not recorded yet.
    open: HashSet<i64>,
    /// Outcomes to be recorded next.
    ended: Vec<Ended>,
    report: mpsc::UnboundedSender<Ended>,
    outcomes: mpsc::UnboundedReceiver<Ended>,
}

impl Deliveries {
    pub fn new(
        core: Arc<Core>,
        present: watch::Receiver<Arc<Endpoint>>,
        shared: Arc<Shared>,
        changes: watch::Receiver<()>,
        lease: Arc<Lease>,
    ) -> Self {
        let (report, outcomes) = mpsc::unbounded_channel();
        let (breaker, open, ended) = (Breaker::default(), HashSet::new(), Vec::new());
        Self { core, present, shared, changes, lease, breaker, ahead: None, open, ended, report, outcomes }
    }

    /// Until an internal error.
    pub async fn deliver(&mut self) -> Result<(), Error> {
        // Outcomes are recorded even while the directory is unavailable.
        self.settle().await?;
        let core = Arc::clone(&self.core);
        let endpoint = Arc::clone(&self.present.borrow());
        let which = (endpoint.app, endpoint.id);
        let app = Arc::new(core.deps.directory.app_of(endpoint.app).await?);
        loop {
            self.settle().await?;
            self.changes.mark_unchanged();
            self.retry_after_set_back(which).await?;
            let now = core.deps.clock.now();
            let room = self.breaker.allows(core.deps.clock.elapsed()).min(AT_ONCE.saturating_sub(self.open.len()));
            let mut more = false;
            if room > 0 {
                let limit = (room + self.open.len()) as i64;
                let due = delivery::due(&core.deps.db, which, endpoint.ordered, now, limit).await?;
                if self.lease.is_over(core.deps.clock.elapsed()) {
                    // The process was suspended, for example.
                    sleep(UNSURE).await;
                    continue;
                }
                more = due.len() as i64 == limit;
                let due: Vec<Due> = due.into_iter().filter(|due| !self.open.contains(&due.id)).take(room).collect();
                for due in due {
                    self.open.insert(due.id);
                    self.post(&app, due);
                }
            }
            let wake_at = self.wake_at(which, more).await?;
            tokio::select! {
                Some(ended) = self.outcomes.recv() => self.ended.push(ended),
                () = self.shared.written.notified() => {}
                _ = self.changes.changed() => {}
                () = sleep(wake_at) => {}
            }
        }
    }

    /// Makes no more calls, waits for open ones, and records their outcomes; for a limited time once `stop` is triggered.
    pub async fn finish(mut self, stop: &Shutdown) {
        let late = async {
            stop.triggered().await;
            sleep(PATIENCE).await;
        };
        tokio::select! {
            biased;
            () = self.settle_all() => return,
            () = late => {}
        }
        let endpoint = self.present.borrow();
        let (app, endpoint, calls) = (endpoint.app, endpoint.id, self.open.len());
        tracing::warn!(%app, endpoint, calls, "calls without an answer in time are repeated");
    }

    /// Until no call is open.
    async fn settle_all(&mut self) {
        while !self.open.is_empty() {
            if let Err(error) = self.settle().await {
                tracing::warn!(%error, "the outcomes of calls could not be recorded yet");
                sleep(REST).await;
            } else if !self.open.is_empty()
                && let Some(ended) = self.outcomes.recv().await
            {
                self.ended.push(ended);
            }
        }
    }

    /// When the clock was set back, before or while this runs, waiting deliveries would be tried that much later than
    /// intended. They are tried now instead.
    async fn retry_after_set_back(&mut self, which: delivery::Which) -> Result<(), Error> {
        let (db, now) = (&self.core.deps.db, self.core.deps.clock.now());
        let ahead = now.0 - self.core.deps.clock.elapsed().as_millis() as i64;
        let was_set_back = match self.ahead {
            Some(before) => ahead < before - SET_BACK.as_millis() as i64,
            None => delivery::newest_at(db, which).await?.is_some_and(|newest| newest > now + SET_BACK),
        };
        if was_set_back {
            tracing::warn!(app = %which.0, endpoint = which.1, "the clock was set back: queued deliveries are tried now");
            while delivery::hasten(db, which, now, STEP).await? == STEP {}
        }
        self.ahead = Some(ahead);
        Ok(())
    }

    /// How long until something may be due without a signal.
    async fn wake_at(&self, which: delivery::Which, more: bool) -> Result<Duration, Error> {
        let now = self.core.deps.clock.now();
        let elapsed = self.core.deps.clock.elapsed();
        if let Some(until) = self.breaker.closed_until(elapsed) {
            return Ok(until.saturating_sub(elapsed).min(LOOK));
        }
        if more {
            return Ok(LOOK);
        }
        let next = delivery::next_at(&self.core.deps.db, which, now).await?;
        Ok(next.map_or(LOOK, |next| (next - now).min(LOOK)))
    }

    fn post(&self, app: &Arc<App>, due: Due) {
        // With the endpoint's current keys.
        let (core, endpoint, app) = (Arc::clone(&self.core), Arc::clone(&self.present.borrow()), Arc::clone(app));
        let report = self.report.clone();
        let due = Arc::new(due);
        tokio::spawn(async move {
            let (begun, began) = (core.deps.clock.now(), core.deps.clock.elapsed());
            let (posting, posted) = (Arc::clone(&core), Arc::clone(&due));
            // A task of its own, so that a call that panics is a failure like any other.
            let call = tokio::spawn(async move { post::post(&posting, &endpoint, &app, &posted, begun).await });
            let answer = call.await.unwrap_or_else(|fault| Answer::none(format!("internal error: {fault}")));
            let ms = core.deps.clock.elapsed().saturating_sub(began).as_millis() as i64;
            let attempt = Attempt { at: begun.0, ms, status: answer.status, answer: answer.text.clone() };
            // The receiver may have been dropped; then it is tried again.
            let _ = report.send((due, attempt, answer));
        });
    }

    /// Records outcomes. What could not be written is kept for the next time.
    async fn settle(&mut self) -> Result<(), Error> {
        while self.ended.len() < BATCH
            && let Ok(ended) = self.outcomes.try_recv()
        {
            self.ended.push(ended);
        }
        if self.ended.is_empty() {
            return Ok(());
        }
        let endpoint = Arc::clone(&self.present.borrow());
        let now: UnixMillis = self.core.deps.clock.now();
        let elapsed = self.core.deps.clock.elapsed();
        let mut outcomes = Vec::with_capacity(self.ended.len());
        for (due, attempt, answer) in &self.ended {
            let verdict = judge(&self.core.deps, endpoint.retry, answer, due.tries, now);
            let (id, tries, attempt) = (due.id, due.tries + 1, attempt.clone());
            outcomes.push(Outcome { id, state: verdict.state, at: verdict.at, tries, attempt });
        }
        let gone = self.ended.iter().any(|(_, _, answer)| answer.status == 410);
        let mut tx = self.core.deps.db.begin().await?;
        delivery::settle(&mut tx, (endpoint.app, endpoint.id), &outcomes).await?;
        if gone {
            store::endpoint::pause(&mut tx, endpoint.app, endpoint.id, Some("it answered 410")).await?;
        }
        tx.commit().await?;
        for ((due, ..), outcome) in self.ended.drain(..).zip(&outcomes) {
            let age = (outcome.state == State::Delivered).then(|| now - due.created_at);
            let took = Duration::from_millis(outcome.attempt.ms.unsigned_abs());
            metrics().callback.attempted(took, age, outcome.state == State::Dead);
        }
        for outcome in outcomes {
            self.open.remove(&outcome.id);
            let is_delivered = outcome.state == State::Delivered;
            self.breaker.count(is_delivered, elapsed);
            if is_delivered {
                self.shared.delivered_at.store(elapsed.as_millis() as u64, Ordering::SeqCst);
            }
        }
        self.shared.tried.notify_one();
        if gone {
            self.core.wake();
        }
        Ok(())
    }
}
