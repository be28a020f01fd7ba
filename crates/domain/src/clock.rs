//! Injected time.

use std::{
    fmt,
    ops::{Add, Sub},
    sync::{
        LazyLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

impl Add<Duration> for UnixMillis {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub for UnixMillis {
    type Output = Duration;

    /// The time from `earlier` to `self`; zero when `earlier` is later.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A source of time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current time.
    fn now(&self) -> UnixMillis;

    /// The time since a fixed point. It is never set, so two readings measure a duration within this process,
    /// whatever [`Self::now`] does meanwhile.
    fn elapsed(&self) -> Duration;

    /// Why the current time is not reliable; `None` while it is. Nothing persistent, such as an id, is created
    /// meanwhile.
    fn doubt(&self) -> Option<String> {
        None
    }

    /// Reports what is known of the time from elsewhere. Clocks that need no check ignore it.
    fn compare(&self, _with: TimeReference) {}
}

/// A time to compare the machine's clock with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeReference {
    /// What the database's clock shows now.
    Database(UnixMillis),
    /// When this installation, which has no clock to compare with, was last seen running.
    LastRun(UnixMillis),
}

/// The machine's clock, unchecked. Serving processes read it through `tidings_runtime::GuardedClock`.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
    fn now(&self) -> UnixMillis {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn elapsed(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

/// A clock for tests that only moves when set.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    /// In milliseconds.
    elapsed: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `start`.
    pub const fn new(start: UnixMillis) -> Self {
        Self { now: AtomicI64::new(start.0), elapsed: AtomicU64::new(0) }
    }

    /// Advances time.
    pub fn advance(&self, span: Duration) {
        self.now.fetch_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        self.elapsed.fetch_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Sets the clock, also backwards; no time passes.
    pub fn set(&self, now: UnixMillis) {
        self.now.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.now.load(Ordering::SeqCst))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.elapsed.load(Ordering::SeqCst))
    }
}
