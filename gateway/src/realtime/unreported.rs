//! Changes of this gateway's sessions that are not yet reported to the directory.
//!
//! It is bounded by the current connections plus those at the time when the directory was last reached. Parts of it are
//! taken in turn, so that one that cannot be reported does not block the others.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    mem,
};

use tidings_domain::SessionEnd;
use tidings_proto::{internal, pb::change::SessionEnd as WireEnd};
use tokio::sync::oneshot;

/// Sessions by their ids.
#[derive(Default)]
pub(super) struct Unreported {
    live: HashMap<i64, Live>,
    /// Those of them to be written.
    started: BTreeSet<i64>,
    ended: BTreeMap<i64, internal::EndedSession>,
    /// What was taken and is not known to be written.
    under_way: Part,
    /// Where the next part begins.
    next_started: i64,
    next_ended: i64,
    /// Of a part with one session it is that of an end, if there is one.
    is_turn_of_ends: bool,
}

struct Live {
    session: internal::StartedSession,
    /// It was reported at least once, so its end must be.
    was_sent: bool,
    /// Waits until it is written.
    written: Option<oneshot::Sender<()>>,
}

/// What is reported at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    pub started: Vec<internal::StartedSession>,
    pub ended: Vec<internal::EndedSession>,
}

impl Part {
    pub const fn len(&self) -> usize {
        self.started.len() + self.ended.len()
    }

    /// The size of half of it: of each kind, at least one.
    pub fn half(&self) -> usize {
        (self.started.len().max(self.ended.len()) / 2).max(1)
    }
}

impl Unreported {
    pub fn is_waiting(&self) -> bool {
        !self.started.is_empty() || !self.ended.is_empty()
    }

    /// No session is open.
    pub fn is_idle(&self) -> bool {
        self.live.is_empty()
    }

    /// Completes when it is written; fails when it ends before, or cannot be written.
    pub fn start(&mut self, id: i64, session: internal::StartedSession) -> oneshot::Receiver<()> {
        let (sender, written) = oneshot::channel();
        self.live.insert(id, Live { session, was_sent: false, written: Some(sender) });
        self.started.insert(id);
        written
    }

    /// A session is written again, if it is open.
    pub fn again(&mut self, id: i64) {
        if self.live.contains_key(&id) {
            self.started.insert(id);
        }
    }

    pub fn end(&mut self, id: i64, how: SessionEnd) {
        self.started.remove(&id);
        let Some(Live { session, was_sent: true, .. }) = self.live.remove(&id) else { return };
        let ended = internal::EndedSession {
            session_id: id,
            app_id: session.app_id,
            user_id: session.user_id,
            how: WireEnd::from(how).into(),
            address: session.address,
        };
        self.ended.insert(id, ended);
    }

    /// Takes up to `most` of each kind; of both kinds in turn if it is one.
    pub fn take(&mut self, most: usize) -> Part {
        let mut part = Part::default();
        self.is_turn_of_ends = !self.is_turn_of_ends;
        let (takes_ends, takes_starts) = (most > 1 || self.is_turn_of_ends, most > 1 || !self.is_turn_of_ends);
        if takes_ends || self.started.is_empty() {
            let (later, first) = (self.ended.range(self.next_ended..), self.ended.range(..self.next_ended));
            for id in later.chain(first).take(most).map(|(id, _)| *id).collect::<Vec<_>>() {
                part.ended.extend(self.ended.remove(&id));
                self.next_ended = id + 1;
            }
        }
        if takes_starts || part.ended.is_empty() {
            let (later, first) = (self.started.range(self.next_started..), self.started.range(..self.next_started));
            for id in later.chain(first).take(most).copied().collect::<Vec<_>>() {
                self.started.remove(&id);
                self.next_started = id + 1;
                if let Some(live) = self.live.get_mut(&id) {
                    live.was_sent = true;
                    part.started.push(live.session.clone());
                }
            }
        }
        self.under_way = part.clone();
        part
    }

    /// What was taken is written. With `others`, every other session is written again.
    pub fn done(&mut self, others: bool) {
        let written: BTreeSet<i64> = mem::take(&mut self.under_way).started.iter().map(|it| it.session_id).collect();
        for id in &written {
            let waiting = self.live.get_mut(id).and_then(|live| live.written.take());
            // The receiver may have been dropped.
            waiting.map(|waiting| waiting.send(()));
        }
        if others {
            self.started.extend(self.live.keys().filter(|id| !written.contains(id)));
        }
    }

    /// What was taken cannot be written.
    pub fn give_up(&mut self) {
        for session in mem::take(&mut self.under_way).started {
            self.live.get_mut(&session.session_id).and_then(|live| live.written.take());
        }
    }

    /// What was taken is not known to be written.
    pub fn put_back(&mut self) {
        let part = mem::take(&mut self.under_way);
        part.started.iter().for_each(|session| self.again(session.session_id));
        self.ended.extend(part.ended.into_iter().map(|ended| (ended.session_id, ended)));
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;

    fn session(id: i64) -> internal::StartedSession {
        internal::StartedSession { session_id: id, app_id: 1, user_id: 16, ..Default::default() }
    }

    /// The ids of the next part: what started, and what ended.
    fn take(unreported: &mut Unreported, most: usize) -> (Vec<i64>, Vec<i64>) {
        let Part { started, ended } = unreported.take(most);
        let started = started.iter().map(|session| session.session_id);
        (started.collect(), ended.iter().map(|session| session.session_id).collect())
    }

    fn with(ids: std::ops::Range<i64>) -> Unreported {
        let mut unreported = Unreported::default();
        ids.for_each(|id| drop(unreported.start(id, session(id))));
        unreported
    }

    #[test]
    fn a_session_is_written_when_it_starts_and_when_it_ends_and_again_after_the_lease_lapsed() {
        let mut unreported = with(1..4);
        // It ended before it was ever reported.
        unreported.end(3, SessionEnd::Closed);
        assert_eq!(take(&mut unreported, 500), (vec![1, 2], vec![]));
        // It ends while the report is in progress; a failed report is retried.
        unreported.end(1, SessionEnd::Closed);
        unreported.put_back();
        assert_eq!(take(&mut unreported, 500), (vec![2], vec![1]));
        unreported.done(false);
        assert!(!unreported.is_waiting());
        let mut written = unreported.start(4, session(4));
        assert_eq!(take(&mut unreported, 500), (vec![4], vec![]));
        assert_eq!(written.try_recv(), Err(TryRecvError::Empty));
        unreported.done(true);
        assert_eq!(written.try_recv(), Ok(()));
        assert_eq!(take(&mut unreported, 500), (vec![2], vec![]));
    }

    #[test]
    fn a_session_that_is_to_be_written_again_while_it_is_written_comes_again() {
        let mut unreported = with(1..2);
        unreported.take(500);
        unreported.again(1);
        // It is not open.
        unreported.again(2);
        unreported.done(false);
        assert_eq!(take(&mut unreported, 500), (vec![1], vec![]));
    }

    #[test]
    fn many_sessions_are_reported_in_parts() {
        let mut unreported = with(0..1_200);
        let mut sizes = Vec::new();
        while unreported.is_waiting() {
            sizes.push(unreported.take(500).len());
            unreported.done(false);
        }
        assert_eq!(sizes, [500, 500, 200]);
        assert!(!unreported.is_idle());
    }

    #[test]
    fn one_that_cannot_be_reported_keeps_no_other_from_it() {
        const BAD: i64 = 3;
        let mut unreported = with(0..1_200);
        let (mut most, mut written) = (500, 0);
        for _ in 0..2_000 {
            let part = unreported.take(most);
            if part.started.iter().any(|session| session.session_id == BAD) {
                most = part.half();
                unreported.put_back();
            } else {
                written += part.len();
                most = (most * 2).min(500);
                unreported.done(false);
            }
        }
        assert_eq!(written, 1_199);
        assert_eq!(take(&mut unreported, 1), (vec![BAD], vec![]));
    }

    #[test]
    fn of_single_sessions_starts_and_ends_are_reported_in_turn() {
        let mut unreported = with(0..4);
        unreported.take(500);
        unreported.done(true);
        unreported.end(0, SessionEnd::Closed);
        unreported.end(1, SessionEnd::Closed);
        unreported.again(2);
        unreported.again(3);
        let mut taken: Vec<_> = (0..4).map(|_| take(&mut unreported, 1)).collect();
        taken.sort();
        assert_eq!(taken, [(vec![], vec![0]), (vec![], vec![1]), (vec![2], vec![]), (vec![3], vec![])]);
        let mut waiting = with(0..2);
        waiting.take(500);
        waiting.put_back();
        assert_eq!([take(&mut waiting, 1), take(&mut waiting, 1)], [(vec![0], vec![]), (vec![1], vec![])]);
    }
}
