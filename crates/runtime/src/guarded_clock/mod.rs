//! The machine's clock, guarded: if it is set, that has no effect until the change is verified.
//!
//! The current time continues from the last trusted reading, by a clock that is never set and that runs while the
//! machine sleeps. The wall clock is compared with it by [`judge`]: small differences are corrected slowly, larger ones
//! are distrusted, and messages are not sent until they are resolved.

mod judge;

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use judge::{Change, Judge};
use tidings_domain::{Clock, SystemClock, TimeReference, UnixMillis};

use crate::fault;

/// See the module. Reads the system's clocks twice at most, and never blocks.
#[derive(Debug)]
pub struct GuardedClock {
    judge: Mutex<Judge>,
    /// What is added to the time since the start of the machine, in milliseconds.
    offset: AtomicI64,
}

impl GuardedClock {
    /// Starts with the value of the wall clock.
    pub fn new() -> Self {
        let judge = Judge::new(since_boot(), wall());
        let offset = AtomicI64::new(judge.offset());
        Self { judge: Mutex::new(judge), offset }
    }

    fn judge(&self, ask: impl FnOnce(&mut Judge, i64, i64) -> Option<Change>) -> MutexGuard<'_, Judge> {
        let mut judge = self.judge.lock().unwrap_or_else(PoisonError::into_inner);
        match ask(&mut judge, since_boot(), wall()) {
            Some(Change::Doubted(why)) => {
                tracing::error!(why, "the machine's clock is not trusted: messages are not sent");
            }
            Some(Change::Explained { by }) => {
                tracing::info!(by_ms = by, "the machine's clock is trusted again");
            }
            None => {}
        }
        self.offset.store(judge.offset(), Ordering::Relaxed);
        judge
    }
}

impl Default for GuardedClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for GuardedClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(since_boot() + self.offset.load(Ordering::Relaxed))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(since_boot().unsigned_abs())
    }

    fn doubt(&self) -> Option<String> {
        self.judge(Judge::look).doubt()
    }

    fn compare(&self, with: TimeReference) {
        drop(self.judge(|judge, steady, wall| judge.compare(steady, wall, with)));
    }
}

/// The wall clock, in milliseconds since 1970.
fn wall() -> i64 {
    SystemClock.now().0 + fault::clock_error()
}

/// Milliseconds by a clock that is never set.
fn since_boot() -> i64 {
    use rustix::time::{ClockId, clock_gettime};
    // The one that runs while the machine sleeps, if there is one.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const STEADY: ClockId = ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const STEADY: ClockId = ClockId::Monotonic;
    let time = clock_gettime(STEADY);
    time.tv_sec * 1000 + time.tv_nsec / 1_000_000
}
