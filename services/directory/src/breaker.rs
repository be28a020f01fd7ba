//! Protects callers from waiting for a hook that does not answer: after some failures in a row it is not called for a
//! while.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tidings_domain::AppId;

/// Failures in a row after which the hook is not called for a while.
const FAILURES: u32 = 5;
/// For how long. Afterwards one question shows whether it answers again.
const PAUSE: Duration = Duration::from_secs(5);
/// Maximum number of hooks that are tracked; further ones are always called.
const OBSERVED: usize = 10_000;

/// A hook: its app, and its number there.
pub(crate) type HookKey = (AppId, i64);

/// The hooks that failed last time, of this process.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<HashMap<HookKey, Failing>>);

#[derive(Debug)]
struct Failing {
    in_a_row: u32,
    /// Until then it is not called.
    open_until: Duration,
}

impl Breaker {
    /// Whether the hook is called at the steady time `now`.
    pub(crate) fn admits(&self, key: HookKey, now: Duration) -> bool {
        let mut failing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match failing.get_mut(&key) {
            Some(found) if found.in_a_row >= FAILURES => {
                let is_over = now >= found.open_until;
                if is_over {
                    // The others wait for the outcome of this one question.
                    found.open_until = now + PAUSE;
                }
                is_over
            }
            _ => true,
        }
    }

    /// The hook answered.
    pub(crate) fn answered(&self, key: HookKey) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }

    /// The hook did not answer.
    pub(crate) fn failed(&self, key: HookKey, now: Duration) {
        let mut failing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failing.len() >= OBSERVED && !failing.contains_key(&key) {
            return;
        }
        let found = failing.entry(key).or_insert(Failing { in_a_row: 0, open_until: Duration::ZERO });
        found.in_a_row = found.in_a_row.saturating_add(1);
        found.open_until = now + PAUSE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOOK: HookKey = (AppId(1), 7);

    fn open() -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..FAILURES {
            assert!(breaker.admits(HOOK, Duration::ZERO));
            breaker.failed(HOOK, Duration::ZERO);
        }
        breaker
    }

    #[test]
    fn a_hook_that_fails_again_and_again_is_left_alone_for_a_while() {
        let breaker = open();
        assert!(!breaker.admits(HOOK, PAUSE.saturating_sub(Duration::from_millis(1))));
        assert!(breaker.admits((AppId(2), 7), Duration::ZERO), "another app's hook");
    }

    #[test]
    fn one_question_shows_whether_it_answers_again() {
        let breaker = open();
        assert!(breaker.admits(HOOK, PAUSE));
        assert!(!breaker.admits(HOOK, PAUSE), "the others wait");
        breaker.failed(HOOK, PAUSE);
        assert!(!breaker.admits(HOOK, PAUSE + PAUSE / 2));
        breaker.answered(HOOK);
        assert!(breaker.admits(HOOK, PAUSE + PAUSE / 2));
    }

    #[test]
    fn failures_with_answers_between_them_change_nothing() {
        let breaker = Breaker::default();
        for _ in 0..FAILURES * 2 {
            breaker.failed(HOOK, Duration::ZERO);
            breaker.answered(HOOK);
        }
        assert!(breaker.admits(HOOK, Duration::ZERO));
    }
}
