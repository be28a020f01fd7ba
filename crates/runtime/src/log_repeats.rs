//! One log line a second for each kind of refusal.
//!
//! A client that is refused thousands of times a second must not fill the log: of the refusals of one kind the first of
//! each second is logged, with the number of unlogged ones before it.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

const WINDOW: Duration = Duration::from_secs(1);

/// Recent refusals by their kind. There must be a bounded number of kinds: each stays in memory.
#[derive(Debug)]
pub struct LogRepeats<K>(Mutex<HashMap<K, Recent>>);

#[derive(Debug)]
struct Recent {
    logged_at: Instant,
    repeated: u64,
}

impl<K> Default for LogRepeats<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq> LogRepeats<K> {
    /// Whether a refusal is logged; if so, how many of its kind were not logged since the last one that was.
    pub fn count(&self, kind: K, now: Instant) -> Option<u64> {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(recent) = kinds.get_mut(&kind) else {
            kinds.insert(kind, Recent { logged_at: now, repeated: 0 });
            return Some(0);
        };
        if now - recent.logged_at < WINDOW {
            recent.repeated += 1;
            return None;
        }
        recent.logged_at = now;
        Some(std::mem::take(&mut recent.repeated))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_refusal_of_each_second_is_logged_with_how_many_were_not() {
        let (repeats, start) = (LogRepeats::default(), Instant::now());
        let logged: Vec<_> = (0..100).map(|_| repeats.count(("none", 404), start)).collect();
        assert_eq!(logged.iter().flatten().collect::<Vec<_>>(), [&0]);
        assert_eq!(repeats.count(("none", 401), start), Some(0), "of another kind");
        assert_eq!(repeats.count(("none", 404), start + WINDOW), Some(99));
    }
}
