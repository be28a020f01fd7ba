//! The metrics of this process: what happened, how often, and how long it took.
//!
//! One set for the whole process. Counting is an atomic addition or a short lock, and never blocks. Every label has a
//! bounded set of values: templates of routes, names of RPCs, reasons; never a path, an app or a user. They are
//! written as Prometheus reads them; docs/metrics.md lists them.

mod appender;
mod book;
mod bus;
mod callback;
mod database;
mod feed;
mod http;
mod process;
mod realtime;
mod rpc;
mod tls;
mod upkeep;

use std::sync::LazyLock;

use prometheus_client::{encoding::prometheus_text, registry::Registry};

use self::book::MetricRegistry;
pub(crate) use self::rpc::code_name;
pub use self::{
    appender::AppenderMetrics,
    book::Row,
    bus::{BusMetrics, DroppedHints},
    callback::CallbackMetrics,
    database::{DatabaseMetrics, PoolState},
    feed::{FeedMetrics, Follower},
    http::{Answered, HttpMetrics, OpenRequest},
    process::ProcessMetrics,
    realtime::{OpenSession, RealtimeMetrics},
    rpc::RpcMetrics,
    tls::{FailedHandshake, TlsMetrics},
    upkeep::{Purged, UpkeepMetrics},
};

/// Every number, by subject.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    rows: Vec<Row>,
    /// REST requests.
    pub http: HttpMetrics,
    /// RPCs that were answered.
    pub rpc: RpcMetrics,
    /// The writers of the log.
    pub appender: AppenderMetrics,
    /// Databases.
    pub database: DatabaseMetrics,
    /// Followers of the event feed.
    pub feed: FeedMetrics,
    /// Callbacks to apps' servers.
    pub callback: CallbackMetrics,
    /// Connected clients.
    pub realtime: RealtimeMetrics,
    /// Hints between processes.
    pub bus: BusMetrics,
    /// Certificates and handshakes.
    pub tls: TlsMetrics,
    /// Background work.
    pub upkeep: UpkeepMetrics,
    /// The process itself.
    pub process: ProcessMetrics,
}

/// The numbers of this process.
pub fn metrics() -> &'static Metrics {
    static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);
    &METRICS
}

impl Metrics {
    fn new() -> Self {
        let mut book = MetricRegistry::default();
        let http = HttpMetrics::new(&mut book);
        let rpc = RpcMetrics::new(&mut book);
        let appender = AppenderMetrics::new(&mut book);
        let database = DatabaseMetrics::new(&mut book);
        let feed = FeedMetrics::new(&mut book);
        let callback = CallbackMetrics::new(&mut book);
        let realtime = RealtimeMetrics::new(&mut book);
        let bus = BusMetrics::new(&mut book);
        let tls = TlsMetrics::new(&mut book);
        let upkeep = UpkeepMetrics::new(&mut book);
        let process = ProcessMetrics::new(&mut book);
        let (registry, rows) = book.finish();
        Self { registry, rows, http, rpc, appender, database, feed, callback, realtime, bus, tls, upkeep, process }
    }

    /// Every number that there may be: one without a value yet is not in the text.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// All of them in Prometheus' text format.
    pub fn text(&self) -> String {
        self.process.refresh();
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry).expect("a string takes all that is written to it");
        text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_metric_is_in_the_docs_and_has_a_name_of_its_own() {
        let page = include_str!("../../../../docs/metrics.md");
        let rows = metrics().rows();
        for row in rows {
            let line = format!("| `{}` | {} |", row.name, row.kind);
            assert!(page.contains(&line), "docs/metrics.md has no row that begins with {line}");
        }
        let names: BTreeSet<&str> = rows.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), rows.len());
        let is_row = |line: &&str| line.starts_with("| `") && line.split(" | ").count() == 4;
        let listed = page.lines().filter(is_row);
        assert_eq!(listed.count(), rows.len(), "docs/metrics.md lists others too");
    }

    #[test]
    fn the_text_has_a_type_and_a_help_for_what_it_counts() {
        metrics().upkeep.ready(true);
        let text = metrics().text();
        assert!(text.contains("# TYPE tidings_ready gauge\ntidings_ready 1\n"), "{text}");
        assert!(text.contains("# HELP tidings_ready "), "{text}");
    }
}
