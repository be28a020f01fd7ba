//! One process of a peer: whether it is available, and how busy it is with our calls.
//!
//! A task keeps one connection to it while there are calls. A connection counts once the process has answered over it, by
//! its health service, which also reports when it starts to shut down; so no call reaches a process that hangs or is
//! stopping.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tonic::{Code, Streaming};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::{
    callers::Callers,
    link::{ConnectFailure, Failure, Link, Target, failure_of},
};

/// How long calls wait for an unavailable process, counted from when it became unavailable: the maximum cost of a
/// restart. Later calls, while it is still unavailable, are refused at once.
pub(super) const PATIENCE: Duration = Duration::from_secs(4);
/// The timeout of the health service's first answer.
const PROOF: Duration = Duration::from_secs(2);
/// Between attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// No connection is kept to a peer that was not called for this long.
const UNUSED: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug)]
pub(super) struct Replica {
    pub target: Arc<Target>,
    state: Mutex<State>,
    /// What its health service reports.
    is_serving: AtomicBool,
    in_flight: AtomicUsize,
    /// Dropped with it, which ends its task.
    gone: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    link: Option<Link>,
    /// Counts the connections.
    number: u64,
    /// Whether its task runs.
    is_kept: bool,
    /// Since when there is no connection.
    since: Option<Instant>,
    /// The error of the last attempt.
    fault: Option<ConnectFailure>,
}

/// Whether it can be called.
pub(super) enum Reachability {
    /// Over this connection, which has that number.
    Up(Link, u64),
    /// It may become available before then.
    Hope(Instant),
    /// It does not answer.
    Down,
}

impl Replica {
    pub fn new(target: Target) -> Self {
        Self {
            target: Arc::new(target),
            state: Mutex::default(),
            is_serving: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            gone: watch::Sender::new(()),
        }
    }

    /// Its state. Starts connecting if it is not connected.
    pub fn standing(self: &Arc<Self>, callers: &Arc<Callers>, now: Instant) -> Reachability {
        let mut state = self.state();
        if let Some(link) = state.link.as_ref().filter(|link| !link.is_closed()) {
            return Reachability::Up(link.clone(), state.number);
        }
        let since = *state.since.get_or_insert(now);
        if !state.is_kept {
            state.is_kept = true;
            // The state when it was last called says little.
            state.fault = None;
            tokio::spawn(keep(Arc::downgrade(self), self.gone.subscribe(), Arc::downgrade(callers)));
        }
        match state.fault {
            None => Reachability::Hope(now + PATIENCE),
            Some(ConnectFailure::Refused) if now < since + PATIENCE => Reachability::Hope(since + PATIENCE),
            Some(_) => Reachability::Down,
        }
    }

    /// Whether it reports that it serves, and how many calls of ours it has: the smaller, the better.
    pub fn load(&self) -> (bool, usize) {
        (!self.is_serving.load(Ordering::Relaxed), self.in_flight.load(Ordering::Relaxed))
    }

    /// A call of ours has begun, and ends when this is dropped.
    pub fn begin(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_up(&self, link: Link, serves: bool) {
        self.is_serving.store(serves, Ordering::Relaxed);
        let mut state = self.state();
        if state.fault.is_some() {
            tracing::info!(address = %self.target.address, peer = %self.target.authority, "a process of a peer is available");
        }
        *state = State { link: Some(link), number: state.number + 1, is_kept: true, since: None, fault: None };
    }

    fn is_down(&self, Failure { fault, why }: &Failure) {
        self.is_serving.store(false, Ordering::Relaxed);
        let mut state = self.state();
        if state.fault != Some(*fault) {
            tracing::warn!(address = %self.target.address, peer = %self.target.authority, ?fault, why, "a process of a peer is unavailable");
        }
        state.link = None;
        state.since.get_or_insert_with(Instant::now);
        state.fault = Some(*fault);
    }
}

/// A call in flight.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Replica>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Records that no task runs for the replica any more, even if that one panicked.
struct TaskGuard(Weak<Replica>);

impl Drop for TaskGuard {
    fn drop(&mut self) {
        if let Some(replica) = self.0.upgrade() {
            let mut state = replica.state();
            (state.is_kept, state.link) = (false, None);
        }
    }
}

/// Keeps a connection until the peer is no longer called, or the replica is removed from it.
async fn keep(replica: Weak<Replica>, mut gone: watch::Receiver<()>, callers: Weak<Callers>) {
    let _kept = TaskGuard(Weak::clone(&replica));
    let mut pause = FIRST_PAUSE;
    loop {
        let Some(target) = replica.upgrade().map(|replica| Arc::clone(&replica.target)) else {
            return;
        };
        let was_up = tokio::select! {
            was_up = connected(&replica, &target, &callers) => was_up,
            // It fails when the other side is dropped; nothing is ever sent.
            _ = gone.changed() => return,
        };
        pause = if was_up { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
        match callers.upgrade() {
            Some(callers) if callers.idle_time() < UNUSED => {}
            _ => return,
        }
        tokio::select! {
            () = sleep(pause) => {}
            _ = gone.changed() => return,
        }
    }
}

/// One connection, from the attempt to its end. Returns whether it was ever established.
async fn connected(replica: &Weak<Replica>, target: &Arc<Target>, callers: &Weak<Callers>) -> bool {
    let on_replica = |change: &dyn Fn(&Replica)| {
        if let Some(replica) = replica.upgrade() {
            change(&replica);
        }
        if let Some(callers) = callers.upgrade() {
            callers.notify();
        }
    };
    let (link, carrier) = match Link::open(target).await {
        Ok(opened) => opened,
        Err(failure) => {
            on_replica(&|replica| replica.is_down(&failure));
            return false;
        }
    };
    let mut carrier = std::pin::pin!(carrier);
    // The driver moves the bytes of the health check.
    let proof = timeout(PROOF, health(link.clone()));
    let proved = tokio::select! {
        proved = proof => match proved {
            Ok(proved) => proved.map_err(|fault| Failure::new(fault, "its health service does not answer")),
            Err(_) => Err(Failure::new(ConnectFailure::Hung, "its health service does not answer in time")),
        },
        ended = &mut carrier => Err(failure_of(ended)),
    };
    let (serves, mut reports) = match proved {
        Ok(proved) => proved,
        Err(failure) => {
            on_replica(&|replica| replica.is_down(&failure));
            return false;
        }
    };
    on_replica(&|replica| replica.is_up(link.clone(), serves));
    // Only callers hold it from here on.
    drop(link);
    let ended = loop {
        tokio::select! {
            ended = &mut carrier => break ended,
            serves = next(&mut reports) => on_replica(&|replica| replica.is_serving.store(serves, Ordering::Relaxed)),
        }
    };
    let failure = failure_of(ended);
    on_replica(&|replica| replica.is_down(&failure));
    true
}

type HealthWatch = Option<Streaming<HealthCheckResponse>>;

/// Whether the process reports that it serves, and the stream of changes.
async fn health(link: Link) -> Result<(bool, HealthWatch), ConnectFailure> {
    match HealthClient::new(link).watch(HealthCheckRequest::default()).await {
        Ok(reports) => {
            let mut reports = reports.into_inner();
            match reports.message().await {
                Ok(Some(first)) => Ok((first.status() == ServingStatus::Serving, Some(reports))),
                // It answers, but does not support watching.
                Ok(None) => Ok((true, None)),
                Err(_) => Err(ConnectFailure::Refused),
            }
        }
        Err(status) if status.code() == Code::Unavailable => Err(ConnectFailure::Refused),
        // The process is alive anyway: whether it accepts our key, for example, is reported to each caller.
        Err(status) => Ok((status.code() == Code::Unimplemented, None)),
    }
}

/// The next report of the health service. One that falls silent no longer serves.
async fn next(health: &mut HealthWatch) -> bool {
    let Some(stream) = health else {
        return std::future::pending().await;
    };
    if let Ok(Some(word)) = stream.message().await {
        return word.status() == ServingStatus::Serving;
    }
    *health = None;
    false
}
