//! Connected clients.

use std::time::Duration;

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram};

use super::book::{MetricRegistry, Seconds};

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// Connected clients.
#[derive(Debug)]
pub struct RealtimeMetrics {
    /// Events that wait for clients that have not read them yet.
    pub waiting: Gauge,
    /// Messages of low priority that slow clients did not get.
    pub dropped: Counter,
    sessions: Family<Labels<1>, Gauge>,
    started: Family<Labels<1>, Counter>,
    ended: Family<Labels<2>, Counter>,
    answered: Family<Labels<3>, Counter>,
    seconds: Family<Labels<2>, Histogram, Seconds>,
}

impl RealtimeMetrics {
    pub(super) fn new(book: &mut MetricRegistry) -> Self {
        Self {
            waiting: book.gauge(
                "tidings_realtime_waiting_events",
                "Events that wait for clients that have not read them yet",
                Gauge::default(),
            ),
            dropped: book.counter(
                "tidings_realtime_dropped_messages_total",
                "Room messages of low level that clients did not get since they read too slowly",
                Counter::default(),
            ),
            sessions: book.gauge(
                "tidings_realtime_sessions",
                "Clients that are logged in, by wire format",
                Family::default(),
            ),
            started: book.counter(
                "tidings_realtime_logins_total",
                "Clients that have logged in, by wire format",
                Family::default(),
            ),
            ended: book.counter(
                "tidings_realtime_disconnections_total",
                "Connections that ended, by wire format and reason",
                Family::default(),
            ),
            answered: book.counter(
                "tidings_realtime_requests_total",
                "What clients asked for over their connections",
                Family::default(),
            ),
            seconds: book.histogram(
                "tidings_realtime_request_duration_seconds",
                "The time from what a client asks for to its answer",
                Family::new_with_constructor(Seconds),
            ),
        }
    }

    /// A client has logged in; its session is open until the value is dropped.
    pub fn open(&'static self, wire: &'static str) -> OpenSession {
        self.started.get_or_create(&[("wire", wire)]).inc();
        self.sessions.get_or_create(&[("wire", wire)]).inc();
        OpenSession(self, wire)
    }

    /// What a client asked for was answered. Wire, command and reason are of fixed lists; the reason is empty for what was
    /// carried out.
    pub fn answered(&self, [wire, command, reason]: [&'static str; 3], took: Duration) {
        self.seconds.get_or_create(&[("wire", wire), ("command", command)]).observe(took.as_secs_f64());
        self.answered.get_or_create(&[("wire", wire), ("command", command), ("reason", reason)]).inc();
    }

    /// A connection has ended, of a client that has logged in or not.
    pub fn ended(&self, wire: &'static str, reason: &'static str) {
        self.ended.get_or_create(&[("wire", wire), ("reason", reason)]).inc();
    }
}

/// See [`RealtimeMetrics::open`].
#[derive(Debug)]
pub struct OpenSession(&'static RealtimeMetrics, &'static str);

impl Drop for OpenSession {
    fn drop(&mut self) {
        self.0.sessions.get_or_create(&[("wire", self.1)]).dec();
    }
}
