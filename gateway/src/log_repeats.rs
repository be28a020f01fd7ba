//! One log line a second for each kind of refusal.
//!
//! A client that is refused thousands of times a second must not fill the log: of the refusals of one route with one
//! status the first of each second is logged, with the number of unlogged ones before it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::StatusCode;
use tokio::time::Instant;

const WINDOW: Duration = Duration::from_secs(1);

/// Recent refusals.
#[derive(Debug, Default)]
pub(crate) struct LogRepeats(Mutex<HashMap<(String, StatusCode), Kind>>);

#[derive(Debug)]
struct Kind {
    logged_at: Instant,
    repeated: u64,
}

impl LogRepeats {
    /// Whether a refusal is logged; if so, how many of its kind were not logged since the last one that was.
    pub fn count(&self, route: &str, status: StatusCode, now: Instant) -> Option<u64> {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = (route.to_owned(), status);
        let Some(kind) = kinds.get_mut(&kind) else {
            kinds.insert(kind, Kind { logged_at: now, repeated: 0 });
            return Some(0);
        };
        if now - kind.logged_at < WINDOW {
            kind.repeated += 1;
            return None;
        }
        kind.logged_at = now;
        Some(std::mem::take(&mut kind.repeated))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_refusal_of_each_second_is_logged_with_how_many_were_not() {
        let (repeats, start) = (LogRepeats::default(), Instant::now());
        let logged: Vec<_> = (0..100).map(|_| repeats.count("none", StatusCode::NOT_FOUND, start)).collect();
        assert_eq!(logged.iter().flatten().collect::<Vec<_>>(), [&0]);
        assert_eq!(repeats.count("none", StatusCode::UNAUTHORIZED, start), Some(0), "of another kind");
        assert_eq!(repeats.count("none", StatusCode::NOT_FOUND, start + WINDOW), Some(99));
    }
}
