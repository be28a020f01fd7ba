//! The writers of the log: group commit.

use std::time::Duration;

use prometheus_client::metrics::{counter::Counter, gauge::Gauge, histogram::Histogram};

use super::book::{MetricRegistry, counts, seconds};

/// The writers of the log.
#[derive(Debug)]
pub struct AppenderMetrics {
    /// Messages that wait for a writer or are being written.
    pub queued_messages: Gauge,
    /// Their bytes, with the content counted for each conversation.
    pub queued_bytes: Gauge,
    /// Transactions that were tried again after a conflict with another process.
    pub conflicts: Counter,
    messages: Counter,
    failed: Counter,
    batch: Histogram,
    seconds: Histogram,
}

impl AppenderMetrics {
    pub(super) fn new(book: &mut MetricRegistry) -> Self {
        let (messages, failed) = ("tidings_appender_messages_total", "tidings_appender_failed_transactions_total");
        Self {
            queued_messages: book.gauge(
                "tidings_appender_queue_messages",
                "Messages that wait for a writer or are being written",
                Gauge::default(),
            ),
            queued_bytes: book.gauge(
                "tidings_appender_queue_bytes",
                "The content of those messages, in each of their conversations",
                Gauge::default(),
            ),
            conflicts: book.counter(
                "tidings_appender_conflicts_total",
                "Transactions that were retried after a conflict with another process",
                Counter::default(),
            ),
            messages: book.counter(messages, "Messages in committed transactions", Counter::default()),
            failed: book.counter(failed, "Transactions whose calls were refused", Counter::default()),
            batch: book.histogram("tidings_appender_batch_messages", "Messages in a committed transaction", counts()),
            seconds: book.histogram(
                "tidings_appender_commit_seconds",
                "The time of a transaction, from its start to its commit on disk, with all attempts",
                seconds(),
            ),
        }
    }

    /// A transaction was committed.
    pub fn committed(&self, messages: usize, took: Duration) {
        self.messages.inc_by(messages as u64);
        self.batch.observe(f64::from(u32::try_from(messages).unwrap_or(u32::MAX)));
        self.seconds.observe(took.as_secs_f64());
    }

    /// A transaction was given up.
    pub fn failed(&self) {
        self.failed.inc();
    }
}
