//! Reports this gateway's sessions to the directory: who is connected counts as online.
//!
//! They count for as long as the gateway's lease lasts, which every report renews. A session is written when it starts and
//! when it ends, many at a time, by one task; what cannot be written yet waits ([`super::unreported`]). A gateway without
//! sessions reports nothing. One that stops reports the ends of its sessions, and then releases its lease.

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use tidings_domain::{Error, Reason, SessionEnd};
use tidings_proto::{error_from_status, internal};
use tidings_runtime::Shutdown;
use tokio::{
    sync::{Notify, oneshot},
    task::JoinHandle,
    time::{Instant, sleep, timeout, timeout_at},
};
use tonic::Request;

use super::{
    client::Client,
    session::Session,
    unreported::{Part, Unreported},
};
use crate::Gateway;

/// Sessions that start or end within this time are reported together.
const GATHER: Duration = Duration::from_millis(20);
/// How often the lease is renewed.
const RENEW: Duration = Duration::from_secs(3);
/// How long it lasts at the directory.
const LASTS: Duration = Duration::from_secs(8);
/// How long a report may take.
const CALL: Duration = Duration::from_secs(3);
/// The pause after a failure; twice as long after each further one.
const REST: Duration = Duration::from_millis(250);
const LONGEST_REST: Duration = Duration::from_secs(2);
/// Sessions of each kind per report. After a failure half as many, after a success twice.
const MOST: usize = 500;

/// Reports the sessions of a gateway.
#[derive(Default)]
pub(super) struct Reporter {
    number: OnceLock<i64>,
    unreported: Mutex<Unreported>,
    changed: Notify,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Reporter {
    /// The number of this gateway at the directory: a random one, so a process that starts again is another gateway.
    pub fn number(&self, gateway: &Gateway) -> i64 {
        *self.number.get_or_init(|| gateway.new_number())
    }

    /// A session has started. Completes when the directory knows it; fails if that can never happen.
    pub fn started(self: &Arc<Self>, client: &Client, session: &Session) -> oneshot::Receiver<()> {
        let id = session.id as i64;
        let started = internal::StartedSession {
            session_id: id,
            app_id: client.caller.app.0,
            user_id: session.user.0,
            device_sn: client.shown.number,
            resource: client.shown.resource.to_string(),
            platform: client.shown.platform.to_string(),
            opened_at_ms: session.opened_at.0,
            address: client.caller.address.map(|address| address.to_string()).unwrap_or_default(),
            single: session.replaces().is_some(),
        };
        let known = self.unreported().start(id, started);
        self.changed.notify_one();
        self.keep_running(&client.gateway);
        known
    }

    /// A session continues, although the directory may have removed it.
    pub fn again(&self, session: &Session) {
        self.unreported().again(session.id as i64);
        self.changed.notify_one();
    }

    /// A session has ended.
    pub fn ended(&self, session: &Session, how: SessionEnd) {
        self.unreported().end(session.id as i64, how);
        self.changed.notify_one();
    }

    /// Starts the task with the first session, and again if it has ended.
    fn keep_running(self: &Arc<Self>, gateway: &Gateway) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        if task.is_some() && !gateway.stopping().is_triggered() {
            tracing::error!("the task that reports sessions has ended; it is started again");
        }
        let (reporter, gateway) = (Arc::clone(self), gateway.clone());
        let unfinished = gateway.unfinished().begin();
        *task = Some(tokio::spawn(async move {
            let _unfinished = unfinished;
            let too_late = async {
                gateway.stopping().triggered().await;
                sleep(gateway.sockets().longest_stop()).await;
            };
            tokio::select! {
                () = reporter.run(&gateway) => {}
                () = too_late => tracing::warn!("the ends of some sessions could not be reported"),
            }
        }));
    }

    /// Until the process stops and the directory knows that no session is left.
    async fn run(&self, gateway: &Gateway) {
        let number = self.number(gateway);
        // If it is restarted, the report in progress may not have been written.
        self.unreported().put_back();
        let mut directory = gateway.clients().directory_internal.clone();
        let (mut renewed_at, mut rest, mut most) = (None, REST, MOST);
        loop {
            let is_last = self.due(renewed_at, gateway.stopping()).await;
            if is_last && renewed_at.is_none() {
                return;
            }
            let part = self.unreported().take(most);
            let (began, half, size) = (Instant::now(), part.half(), part.len());
            let Part { started, ended } = part;
            let report = internal::ReportSessionsRequest { gateway_id: number, started, ended, last: is_last };
            let error = match timeout(CALL, directory.report_sessions(Request::new(report))).await {
                Ok(Ok(_)) if is_last => return,
                Ok(Ok(reply)) => {
                    let lasted = renewed_at.is_some_and(|at: Instant| at.elapsed() < LASTS);
                    // Others may have been swept.
                    self.unreported().done(reply.into_inner().lapsed || !lasted);
                    (renewed_at, rest, most) = (Some(began), REST, (most * 2).min(MOST));
                    continue;
                }
                Ok(Err(status)) => error_from_status(status),
                Err(_) => Error::new(Reason::Unavailable, "no answer"),
            };
            most = half;
            if error.reason() == Reason::InvalidArgument {
                if size == 1 {
                    // The directory will never take it.
                    tracing::error!(%error, "a session cannot be reported");
                    self.unreported().give_up();
                } else {
                    self.unreported().put_back();
                }
                rest = REST;
            } else {
                tracing::warn!(%error, sessions = size, "sessions could not be reported yet");
                self.unreported().put_back();
            }
            sleep(rest).await;
            rest = (rest * 2).min(LONGEST_REST);
        }
    }

    /// Waits until there is something to report; true: the process stops, and no session is left.
    async fn due(&self, renewed_at: Option<Instant>, stopping: &Shutdown) -> bool {
        loop {
            let (is_waiting, is_idle) = {
                let unreported = self.unreported();
                (unreported.is_waiting(), unreported.is_idle())
            };
            if is_waiting {
                sleep(GATHER).await;
                return false;
            }
            if is_idle && stopping.is_triggered() {
                return true;
            }
            let changed = async {
                tokio::select! {
                    () = self.changed.notified() => {}
                    () = stopping.triggered(), if is_idle => {}
                }
            };
            match renewed_at.filter(|_| !is_idle) {
                None => changed.await,
                Some(at) => {
                    if timeout_at(at + RENEW, changed).await.is_err() {
                        return false;
                    }
                }
            }
        }
    }

    fn unreported(&self) -> MutexGuard<'_, Unreported> {
        self.unreported.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
