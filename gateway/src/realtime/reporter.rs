//! Reports this gateway's sessions to the directory: who is connected counts as online.
//!
//! They count for as long as the gateway's lease lasts, which every report renews. A session is written when it starts and
//! when it ends, many at a time, by one task; what cannot be written yet waits. What waits is bounded by the connections
//! that there are, and were when the directory was last reached. A gateway without sessions reports nothing.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tidings_domain::SessionEnd;
use tidings_proto::{internal, pb::change::SessionEnd as WireEnd};
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{Instant, sleep, timeout, timeout_at},
};
use tonic::Request;

use super::{client::Client, session::Session};
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
/// Sessions of each kind per report.
const MOST: usize = 500;

/// Reports the sessions of a gateway.
#[derive(Default)]
pub(super) struct Reporter {
    state: Mutex<State>,
    changed: Notify,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct State {
    live: HashMap<i64, Live>,
    /// Those of them that are to be written.
    unwritten: BTreeSet<i64>,
    ended: BTreeMap<i64, internal::EndedSession>,
}

struct Live {
    session: internal::StartedSession,
    /// It was reported at least once, so its end must be.
    was_sent: bool,
}

impl Reporter {
    /// A session has started.
    pub fn started(self: &Arc<Self>, client: &Client, session: &Session) {
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
        };
        self.state().start(id, started);
        self.changed.notify_one();
        self.keep_running(&client.gateway);
    }

    /// A session has ended.
    pub fn ended(&self, session: &Session, how: SessionEnd) {
        self.state().end(session.id as i64, how);
        self.changed.notify_one();
    }

    /// Starts the task with the first session, and again should it have ended.
    fn keep_running(self: &Arc<Self>, gateway: &Gateway) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        if task.is_some() {
            tracing::error!("the task that reports sessions has ended; it is started again");
        }
        *task = Some(tokio::spawn(Arc::clone(self).run(gateway.clone())));
    }

    async fn run(self: Arc<Self>, gateway: Gateway) {
        let gateway_id = gateway.new_number();
        // A task that is started again is another gateway to the directory.
        self.state().report_all_but(&HashSet::new());
        let mut directory = gateway.clients().directory_internal.clone();
        let (mut renewed_at, mut rest) = (None, REST);
        loop {
            self.due(renewed_at).await;
            let report = self.state().report(gateway_id);
            let began = Instant::now();
            let reply = timeout(CALL, directory.report_sessions(Request::new(report.clone()))).await;
            let why = match reply {
                Ok(Ok(reply)) => {
                    let lasted = renewed_at.is_some_and(|at: Instant| at.elapsed() < LASTS);
                    self.state().written(&report, reply.into_inner().lapsed || !lasted);
                    (renewed_at, rest) = (Some(began), REST);
                    continue;
                }
                Ok(Err(status)) => status.to_string(),
                Err(_) => "no answer".to_owned(),
            };
            tracing::warn!(%why, "sessions could not be reported yet");
            sleep(rest).await;
            rest = (rest * 2).min(LONGEST_REST);
        }
    }

    /// Waits until there is something to report.
    async fn due(&self, renewed_at: Option<Instant>) {
        loop {
            let (is_waiting, is_idle) = {
                let state = self.state();
                (!state.unwritten.is_empty() || !state.ended.is_empty(), state.live.is_empty())
            };
            if is_waiting {
                return sleep(GATHER).await;
            }
            let changed = self.changed.notified();
            match renewed_at.filter(|_| !is_idle) {
                None => changed.await,
                Some(at) => {
                    if timeout_at(at + RENEW, changed).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn start(&mut self, id: i64, session: internal::StartedSession) {
        self.live.insert(id, Live { session, was_sent: false });
        self.unwritten.insert(id);
    }

    fn end(&mut self, id: i64, how: SessionEnd) {
        self.unwritten.remove(&id);
        let Some(Live { session, was_sent: true }) = self.live.remove(&id) else { return };
        let ended = internal::EndedSession {
            session_id: id,
            app_id: session.app_id,
            user_id: session.user_id,
            how: WireEnd::from(how).into(),
            address: session.address,
        };
        self.ended.insert(id, ended);
    }

    /// What is to be written, as far as it is reported at once.
    fn report(&mut self, gateway_id: i64) -> internal::ReportSessionsRequest {
        let ended = self.ended.values().take(MOST).cloned().collect();
        let mut started = Vec::new();
        for id in self.unwritten.iter().take(MOST) {
            if let Some(live) = self.live.get_mut(id) {
                live.was_sent = true;
                started.push(live.session.clone());
            }
        }
        internal::ReportSessionsRequest { gateway_id, started, ended }
    }

    /// A report is written. `lapsed`: the others may have been swept.
    fn written(&mut self, report: &internal::ReportSessionsRequest, lapsed: bool) {
        for ended in &report.ended {
            self.ended.remove(&ended.session_id);
        }
        for started in &report.started {
            self.unwritten.remove(&started.session_id);
        }
        if lapsed {
            self.report_all_but(&report.started.iter().map(|session| session.session_id).collect());
        }
    }

    fn report_all_but(&mut self, written: &HashSet<i64>) {
        self.unwritten = self.live.keys().copied().filter(|id| !written.contains(id)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(id: i64) -> internal::StartedSession {
        internal::StartedSession { session_id: id, app_id: 1, user_id: 16, ..Default::default() }
    }

    fn ids(report: &internal::ReportSessionsRequest) -> (Vec<i64>, Vec<i64>) {
        let started = report.started.iter().map(|session| session.session_id);
        (started.collect(), report.ended.iter().map(|session| session.session_id).collect())
    }

    #[test]
    fn a_session_is_written_when_it_starts_and_when_it_ends_and_again_after_the_lease_lapsed() {
        let mut state = State::default();
        (1..=3).for_each(|id| state.start(id, session(id)));
        // It ended before it was ever reported.
        state.end(3, SessionEnd::Closed);
        let report = state.report(7);
        assert_eq!(ids(&report), (vec![1, 2], vec![]));
        // It ends while the report is under way; a report that failed comes again.
        state.end(1, SessionEnd::Closed);
        assert_eq!(ids(&state.report(7)), (vec![2], vec![1]));
        state.written(&report, false);
        let report = state.report(7);
        assert_eq!(ids(&report), (vec![], vec![1]));
        state.written(&report, false);
        state.start(4, session(4));
        let report = state.report(7);
        assert_eq!(ids(&report), (vec![4], vec![]));
        state.written(&report, true);
        assert_eq!(ids(&state.report(7)), (vec![2], vec![]));
    }

    #[test]
    fn many_sessions_are_reported_in_parts() {
        let mut state = State::default();
        (0..1_200).for_each(|id| state.start(id, session(id)));
        let mut sizes = Vec::new();
        while !state.unwritten.is_empty() {
            let report = state.report(7);
            sizes.push(report.started.len());
            state.written(&report, false);
        }
        assert_eq!(sizes, [500, 500, 200]);
        assert!(state.ended.is_empty() && state.live.len() == 1_200);
    }
}
