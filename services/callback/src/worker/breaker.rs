//! A circuit breaker: stops calls to a failing server, so that the schedules of queued deliveries are not used up on
//! it.

use std::time::Duration;

/// Failures in a row after which it opens.
const FAILURES: u32 = 20;
/// How long it stays open.
const ALONE: Duration = Duration::from_secs(30);

/// Counts consecutive failures. Times are those of [`tidings_domain::Clock::elapsed`].
#[derive(Debug, Default)]
pub struct Breaker {
    failures: u32,
    alone_until: Option<Duration>,
}

impl Breaker {
    /// How many concurrent calls are allowed: none while it is open, one to probe whether the server is back.
    pub fn allows(&self, now: Duration) -> usize {
        match self.alone_until {
            None => usize::MAX,
            Some(until) if now < until => 0,
            Some(_) => 1,
        }
    }

    /// Until when it is open; `None` when it is not.
    pub fn closed_until(&self, now: Duration) -> Option<Duration> {
        self.alone_until.filter(|until| now < *until)
    }

    /// Records the outcome of a call.
    pub fn count(&mut self, delivered: bool, now: Duration) {
        if delivered {
            *self = Self::default();
            return;
        }
        self.failures += 1;
        if self.failures >= FAILURES {
            self.alone_until = Some(now + ALONE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_left_alone_after_failures_in_a_row_and_asked_once_then() {
        let (mut breaker, now) = (Breaker::default(), Duration::from_secs(1000));
        for _ in 0..FAILURES - 1 {
            breaker.count(false, now);
        }
        assert_eq!(breaker.allows(now), usize::MAX);
        breaker.count(true, now);
        (0..FAILURES).for_each(|_| breaker.count(false, now));
        assert_eq!((breaker.allows(now), breaker.allows(now + ALONE)), (0, 1));
        breaker.count(false, now + ALONE);
        assert_eq!(breaker.allows(now + ALONE), 0);
        breaker.count(true, now + ALONE);
        assert_eq!(breaker.allows(now + ALONE), usize::MAX);
    }
}
