//! Background work: purges, exports, failed tasks, readiness, the log.

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};
use tidings_domain::UnixMillis;

use super::book::MetricRegistry;

type Labels = [(&'static str, &'static str); 1];

/// Background work.
#[derive(Debug)]
pub struct UpkeepMetrics {
    purged: Family<Labels, Counter>,
    purge_finished: Family<Labels, Gauge>,
    exports: Counter,
    exported_messages: Counter,
    exported_bytes: Counter,
    failures: Family<Labels, Counter>,
    lines_dropped: Counter,
    ready: Gauge,
}

/// What is removed because it is kept no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purged {
    /// Messages of the log.
    Messages,
    /// Events other than messages.
    Events,
    /// Deliveries of callbacks.
    Deliveries,
}

impl Purged {
    const ALL: [Self; 3] = [Self::Messages, Self::Events, Self::Deliveries];

    const fn label(self) -> Labels {
        [(
            "what",
            match self {
                Self::Messages => "messages",
                Self::Events => "events",
                Self::Deliveries => "deliveries",
            },
        )]
    }
}

impl UpkeepMetrics {
    pub(super) fn new(book: &mut MetricRegistry) -> Self {
        let upkeep = Self {
            purged: book.counter(
                "tidings_purged_total",
                "Items removed because their retention was over",
                Family::default(),
            ),
            purge_finished: book.gauge(
                "tidings_purge_finished_timestamp_seconds",
                "When a purge of every app last completed",
                Family::default(),
            ),
            exports: book.counter("tidings_exports_total", "Files of the history that were sealed", Counter::default()),
            exported_messages: book.counter(
                "tidings_exported_messages_total",
                "Messages in those files",
                Counter::default(),
            ),
            exported_bytes: book.counter("tidings_exported_bytes_total", "Bytes of those files", Counter::default()),
            failures: book.counter(
                "tidings_task_failures_total",
                "How often a background task ended or panicked and was restarted",
                Family::default(),
            ),
            lines_dropped: book.counter(
                "tidings_log_lines_dropped_total",
                "Log lines that were dropped because standard error was blocked",
                Counter::default(),
            ),
            ready: book.gauge(
                "tidings_ready",
                "1 while the process can do its work, as /readyz says",
                Gauge::default(),
            ),
        };
        for what in Purged::ALL {
            drop(upkeep.purged.get_or_create(&what.label()));
        }
        upkeep
    }

    /// That many were removed.
    pub fn purged(&self, what: Purged, count: u64) {
        self.purged.get_or_create(&what.label()).inc_by(count);
    }

    /// A purge of every app is complete.
    pub fn purge_finished(&self, what: Purged, at: UnixMillis) {
        self.purge_finished.get_or_create(&what.label()).set(at.0 / 1000);
    }

    /// A file of the history was sealed.
    pub fn exported(&self, messages: u64, bytes: u64) {
        self.exports.inc();
        self.exported_messages.inc_by(messages);
        self.exported_bytes.inc_by(bytes);
    }

    /// A background task ended or panicked.
    pub fn task_failed(&self, task: &'static str) {
        self.failures.get_or_create(&[("task", task)]).inc();
    }

    /// Log lines were dropped.
    pub fn lines_dropped(&self, count: u64) {
        self.lines_dropped.inc_by(count);
    }

    /// Whether the process can do its work.
    pub fn ready(&self, is_ready: bool) {
        self.ready.set(i64::from(is_ready));
    }
}
