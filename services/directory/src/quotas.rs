//! The used part of each rate in the present window.
//!
//! Kept in memory: a restart resets it, and each directory process counts separately.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tidings_domain::{AppId, Rate, UnixMillis};

/// Maximum number of counters; those whose window has passed are evicted first.
const KEPT: usize = 100_000;

/// The key of a counter.
type Key = (AppId, Rate, String);

/// One window of one key.
#[derive(Debug, Clone, Copy)]
struct Counter {
    /// The number of the window since 1970.
    window: i64,
    used: i64,
}

/// A request for a share of a quota.
#[derive(Debug, Clone)]
pub(crate) struct QuotaRequest {
    pub(crate) rate: Rate,
    pub(crate) subject: String,
    pub(crate) wanted: i64,
    /// Granted whole or not at all.
    pub(crate) least: i64,
}

/// What was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) granted: i64,
    pub(crate) remaining: i64,
    pub(crate) resets_in: Duration,
}

/// The counters.
#[derive(Debug, Default)]
pub(crate) struct Quotas(Mutex<HashMap<Key, Counter>>);

impl Quotas {
    /// Grants a share if the quota is not used up: as much of the request as is left, and at least `least`.
    pub(crate) fn take(&self, app: AppId, quota: i64, wanted: QuotaRequest, now: UnixMillis) -> Granted {
        let length = wanted.rate.window().as_millis() as i64;
        let window = now.0.div_euclid(length);
        let resets_in = Duration::from_millis(((window + 1) * length - now.0) as u64);
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.len() >= KEPT {
            counters
                .retain(|(_, rate, _), counter| counter.window == now.0.div_euclid(rate.window().as_millis() as i64));
        }
        let fresh = Counter { window, used: 0 };
        let counter = counters.entry((app, wanted.rate, wanted.subject)).or_insert(fresh);
        if counter.window != window {
            *counter = fresh;
        }
        let left = quota - counter.used;
        let granted = if left > 0 { wanted.wanted.min(left).max(wanted.least) } else { 0 };
        counter.used += granted;
        Granted { granted, remaining: (quota - counter.used).max(0), resets_in }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_790_000_000_250);

    fn take(quotas: &Quotas, least: i64, wanted: i64, now: UnixMillis) -> i64 {
        let wanted = QuotaRequest { rate: Rate::GroupMessages, subject: String::new(), wanted, least };
        quotas.take(AppId(1), 20, wanted, now).granted
    }

    #[test]
    fn the_eighth_call_of_three_is_refused_agora_2() {
        let quotas = Quotas::default();
        let granted: Vec<i64> = (0..8).map(|_| take(&quotas, 3, 3, NOW)).collect();
        assert_eq!(granted, [3, 3, 3, 3, 3, 3, 3, 0]);
    }

    #[test]
    fn shares_end_where_the_quota_does_and_a_window_begins_anew() {
        let quotas = Quotas::default();
        assert_eq!(take(&quotas, 1, 15, NOW), 15);
        assert_eq!(take(&quotas, 1, 15, NOW), 5);
        assert_eq!(take(&quotas, 1, 15, UnixMillis(NOW.0 + 749)), 0);
        assert_eq!(take(&quotas, 1, 15, UnixMillis(NOW.0 + 750)), 15);
    }

    #[test]
    fn apps_rates_and_subjects_are_counted_apart() {
        let quotas = Quotas::default();
        let of = |app, rate, subject: &str| {
            let wanted = QuotaRequest { rate, subject: subject.to_owned(), wanted: 1, least: 1 };
            quotas.take(AppId(app), 1, wanted, NOW).granted
        };
        for (app, rate, subject) in
            [(1, Rate::Calls, "a"), (2, Rate::Calls, "a"), (1, Rate::TokenCalls, "a"), (1, Rate::Calls, "b")]
        {
            assert_eq!((of(app, rate, subject), of(app, rate, subject)), (1, 0));
        }
    }

    #[test]
    fn a_grant_says_when_the_window_ends() {
        let wanted = QuotaRequest { rate: Rate::Calls, subject: String::new(), wanted: 5, least: 1 };
        let granted = Quotas::default().take(AppId(1), 100, wanted, NOW);
        assert_eq!(granted, Granted { granted: 5, remaining: 95, resets_in: Duration::from_millis(750) });
    }
}
