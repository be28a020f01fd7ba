//! REST requests.

use std::{borrow::Cow, time::Duration};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
};

use super::book::{MetricRegistry, Seconds};

/// REST requests.
#[derive(Debug)]
pub struct HttpMetrics {
    answered: Family<Answered, Counter>,
    seconds: Family<Timed, Histogram, Seconds>,
    open: Gauge,
}

/// An answered request. Every field has a bounded set of values.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Answered {
    /// `agora`, `lanying` or `tidings`.
    pub dialect: &'static str,
    /// The method; `other` for one that no route has.
    pub method: &'static str,
    /// The template of the route; `none` if there is none.
    pub route: String,
    /// The HTTP status.
    pub status: u16,
    /// The dialect's own word or number for a refusal; empty: it was carried out.
    pub code: Cow<'static, str>,
    /// The name in docs/errors.md, the same in every dialect; empty likewise.
    pub reason: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Timed {
    dialect: &'static str,
    method: &'static str,
    route: String,
}

impl HttpMetrics {
    pub(super) fn new(book: &mut MetricRegistry) -> Self {
        Self {
            answered: book.counter(
                "tidings_http_requests_total",
                "REST requests that were answered",
                Family::default(),
            ),
            seconds: book.histogram(
                "tidings_http_request_duration_seconds",
                "The time from a REST request's head to its answer's head",
                Family::new_with_constructor(Seconds),
            ),
            open: book.gauge("tidings_http_requests_open", "REST requests without an answer yet", Gauge::default()),
        }
    }

    /// A request has arrived; it is open until the value is dropped.
    pub fn open(&self) -> OpenRequest {
        self.open.inc();
        OpenRequest(self.open.clone())
    }

    /// A request was answered.
    pub fn answered(&self, answered: Answered, took: Duration) {
        let Answered { dialect, method, ref route, .. } = answered;
        self.seconds.get_or_create(&Timed { dialect, method, route: route.clone() }).observe(took.as_secs_f64());
        self.answered.get_or_create(&answered).inc();
    }
}

/// See [`HttpMetrics::open`].
#[derive(Debug)]
pub struct OpenRequest(Gauge);

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.dec();
    }
}
