//! Rate limit for warnings and errors, per place in the code.
//!
//! An error that occurs for every call is logged a few times a second and otherwise counted, so that neither an attack
//! nor a missing database fills a disk, and other events can still be found.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::{MakeWriter, writer::OptionalWriter};

use crate::log_lines::LogLines;

/// Lines a second per place.
const MOST: u32 = 10;
const WINDOW: Duration = Duration::from_secs(1);

/// Counts the lines of each place. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogThrottle(Arc<Mutex<HashMap<CallSite, CallSiteLines>>>);

/// Module and line.
type CallSite = (String, u32);

#[derive(Debug)]
struct CallSiteLines {
    since: Instant,
    lines: u32,
    left_out: u64,
}

impl LogThrottle {
    fn admits(&self, (module, line): (&str, u32), now: Instant) -> bool {
        let mut all = self.lock();
        let said = all.entry((module.to_owned(), line)).or_insert(CallSiteLines { since: now, lines: 0, left_out: 0 });
        if now - said.since >= WINDOW {
            (said.since, said.lines) = (now, 0);
        }
        if said.lines == MOST {
            said.left_out += 1;
            return false;
        }
        said.lines += 1;
        true
    }

    /// Logs how many lines were left out per call site, after their second.
    pub(crate) fn report(&self) {
        for ((module, line), left_out) in self.take_left_out(Instant::now()) {
            tracing::warn!(left_out, module, line, "repeated log lines were left out");
        }
    }

    fn take_left_out(&self, now: Instant) -> Vec<(CallSite, u64)> {
        let mut all = self.lock();
        let over = all.iter_mut().filter(|(_, said)| said.left_out > 0 && now - said.since >= WINDOW);
        over.map(|(place, said)| (place.clone(), std::mem::take(&mut said.left_out))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CallSite, CallSiteLines>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes admitted lines. Not a filter of the subscriber: one that refuses an event by its count leaves a mark that
/// affects the next event.
#[derive(Debug)]
pub(crate) struct ThrottledLines {
    pub lines: LogLines,
    pub throttle: LogThrottle,
}

impl<'a> MakeWriter<'a> for ThrottledLines {
    type Writer = OptionalWriter<&'a LogLines>;

    fn make_writer(&'a self) -> Self::Writer {
        OptionalWriter::some(&self.lines)
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Self::Writer {
        let place = (metadata.target(), metadata.line().unwrap_or(0));
        if *metadata.level() > Level::WARN || self.throttle.admits(place, Instant::now()) {
            OptionalWriter::some(&self.lines)
        } else {
            OptionalWriter::none()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_says_so_much_a_second_and_what_was_left_out_is_counted() {
        let (throttle, start) = (LogThrottle::default(), Instant::now());
        let admitted = (0..100).filter(|_| throttle.admits(("tidings", 1), start)).count();
        assert_eq!(admitted, MOST as usize);
        assert!(throttle.take_left_out(start).is_empty());
        let later = start + WINDOW;
        assert_eq!(throttle.take_left_out(later).iter().map(|(_, left_out)| *left_out).collect::<Vec<_>>(), [90]);
        assert!(throttle.admits(("tidings", 2), start));
        assert!(throttle.admits(("tidings", 1), later) && throttle.take_left_out(later).is_empty());
    }
}
