//! Callbacks to apps' servers.

use std::time::Duration;

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram};

use super::book::{MetricRegistry, ages, seconds};

/// What became of a delivery with an attempt.
const OUTCOMES: [&str; 3] = ["delivered", "again", "dead"];

/// Callbacks to apps' servers.
#[derive(Debug)]
pub struct CallbackMetrics {
    attempts: Family<[(&'static str, &'static str); 1], Counter>,
    seconds: Histogram,
    age: Histogram,
    waiting: Gauge,
    overdue: Gauge,
    endpoints: Gauge,
}

impl CallbackMetrics {
    pub(super) fn new(book: &mut MetricRegistry) -> Self {
        let callback = Self {
            attempts: book.counter(
                "tidings_callback_attempts_total",
                "Delivery attempts, by outcome: delivered, again (will be retried), dead",
                Family::default(),
            ),
            seconds: book.histogram(
                "tidings_callback_attempt_seconds",
                "How long the app's server took to answer an attempt",
                seconds(),
            ),
            age: book.histogram(
                "tidings_callback_delivery_seconds",
                "How old a delivery was when it was delivered, with all its attempts",
                ages(),
            ),
            waiting: book.gauge(
                "tidings_callback_waiting",
                "Deliveries that wait, of all endpoints, up to 1,000 counted of each",
                Gauge::default(),
            ),
            overdue: book.gauge(
                "tidings_callback_overdue_seconds",
                "For how long the longest due delivery of all endpoints has been due",
                Gauge::default(),
            ),
            endpoints: book.gauge(
                "tidings_callback_endpoints",
                "Endpoints that this process works for",
                Gauge::default(),
            ),
        };
        for outcome in OUTCOMES {
            drop(callback.attempts.get_or_create(&[("outcome", outcome)]));
        }
        callback
    }

    /// An attempt was made that took so long; `delivered_at_age`: it delivered what was so old.
    pub fn attempted(&self, took: Duration, delivered_at_age: Option<Duration>, is_dead: bool) {
        let outcome = match delivered_at_age {
            Some(age) => {
                self.age.observe(age.as_secs_f64());
                "delivered"
            }
            None if is_dead => "dead",
            None => "again",
        };
        self.attempts.get_or_create(&[("outcome", outcome)]).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// What waits now, and for how long the first of it has been due.
    pub fn waiting(&self, deliveries: i64, overdue: Duration) {
        self.waiting.set(deliveries);
        self.overdue.set(overdue.as_secs() as i64);
    }

    /// For how many endpoints this process works now.
    pub fn works_for(&self, endpoints: usize) {
        self.endpoints.set(endpoints as i64);
    }
}
