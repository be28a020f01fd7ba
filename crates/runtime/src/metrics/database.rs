//! Databases: connections, and SQLite's write-ahead log.

use prometheus_client::metrics::{family::Family, gauge::Gauge};

use super::book::MetricRegistry;

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// Databases.
#[derive(Debug)]
pub struct DatabaseMetrics {
    connections: Family<Labels<3>, Gauge>,
    most: Family<Labels<2>, Gauge>,
    wal_bytes: Family<Labels<1>, Gauge>,
}

/// The connections of one pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// What it is for.
    pub name: &'static str,
    /// Connections in use.
    pub used: u32,
    /// Idle open connections.
    pub idle: u32,
    /// Maximum number of open connections.
    pub most: u32,
}

impl DatabaseMetrics {
    pub(super) fn new(book: &mut MetricRegistry) -> Self {
        Self {
            connections: book.gauge(
                "tidings_database_connections",
                "Open connections to a database, by what they are for and whether they are used",
                Family::default(),
            ),
            most: book.gauge("tidings_database_connections_max", "The maximum of such connections", Family::default()),
            wal_bytes: book.gauge(
                "tidings_sqlite_wal_bytes",
                "The size of SQLite's write-ahead log",
                Family::default(),
            ),
        }
    }

    /// The present state of a database; `wal_bytes` is only SQLite's.
    pub fn set(&self, database: &'static str, pools: &[PoolState], wal_bytes: Option<u64>) {
        for pool in pools {
            let of = [("database", database), ("pool", pool.name)];
            self.most.get_or_create(&of).set(i64::from(pool.most));
            for (state, count) in [("used", pool.used), ("idle", pool.idle)] {
                self.connections.get_or_create(&[of[0], of[1], ("state", state)]).set(i64::from(count));
            }
        }
        if let Some(bytes) = wal_bytes {
            self.wal_bytes.get_or_create(&[("database", database)]).set(bytes as i64);
        }
    }
}
