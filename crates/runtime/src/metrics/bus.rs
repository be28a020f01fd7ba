//! Hints between processes.

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};

use super::book::MetricRegistry;

type Labels = [(&'static str, &'static str); 1];

/// The bus between processes, where there is one.
#[derive(Debug)]
pub struct BusMetrics {
    connected: Family<Labels, Gauge>,
    published: Counter,
    received: Counter,
    dropped: Family<Labels, Counter>,
}

/// Why hints were dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DroppedHints {
    /// The broker is not reached.
    Disconnected,
    /// Too many wait to be published.
    Full,
    /// The broker or this process is too slow.
    Slow,
    /// The broker refuses a subject to this user.
    Refused,
    /// What came is not a hint.
    Invalid,
}

impl DroppedHints {
    const ALL: [Self; 5] = [Self::Disconnected, Self::Full, Self::Slow, Self::Refused, Self::Invalid];

    const fn label(self) -> Labels {
        let reason = match self {
            Self::Disconnected => "disconnected",
            Self::Full => "full",
            Self::Slow => "slow",
            Self::Refused => "refused",
            Self::Invalid => "invalid",
        };
        [("reason", reason)]
    }
}

impl BusMetrics {
    pub(super) fn new(book: &mut MetricRegistry) -> Self {
        let bus = Self {
            connected: book.gauge(
                "tidings_bus_connected",
                "1 while the bus between processes is connected",
                Family::default(),
            ),
            published: book.counter(
                "tidings_bus_hints_published_total",
                "Hints published on the bus for other processes",
                Counter::default(),
            ),
            received: book.counter(
                "tidings_bus_hints_received_total",
                "Hints received from other processes",
                Counter::default(),
            ),
            dropped: book.counter(
                "tidings_bus_hints_dropped_total",
                "Hints that were dropped, by reason; the changes are found by polling",
                Family::default(),
            ),
        };
        for why in DroppedHints::ALL {
            drop(bus.dropped.get_or_create(&why.label()));
        }
        bus
    }

    /// Whether it is connected.
    pub fn connected(&self, is_connected: bool) {
        self.connected.get_or_create(&[("kind", "nats")]).set(i64::from(is_connected));
    }

    /// That many hints were published.
    pub fn published(&self, hints: u64) {
        self.published.inc_by(hints);
    }

    /// That many hints were received.
    pub fn received(&self, hints: u64) {
        self.received.inc_by(hints);
    }

    /// That many hints were dropped.
    pub fn dropped(&self, why: DroppedHints, hints: u64) {
        self.dropped.get_or_create(&why.label()).inc_by(hints);
    }
}
