//! Timeouts on PostgreSQL, on both ends.
//!
//! Both ends enforce them. The server aborts what a process that hangs or vanished with its host leaves open; the
//! process abandons a server that no longer answers.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

/// How long a connection may be idle before it is checked: it may have been cut meanwhile.
pub(crate) const RESTED: Duration = Duration::from_secs(2);
/// How long that check, and the clean-up after a dropped call, may take.
pub(crate) const TIDY: Duration = Duration::from_secs(1);
/// The maximum age of a connection: the server's memory for it (plans, catalogue) must not grow forever.
pub(crate) const LIFE: Duration = Duration::from_mins(30);
/// An idle connection is closed after this.
pub(crate) const UNUSED: Duration = Duration::from_mins(10);

/// Limits of one kind of work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How long a transaction may be open on the server without a statement. A transaction only waits for the database,
    /// so only a hanging process is silent for so long; its locks are released then.
    idle_in_transaction: Duration,
    /// How long a statement waits for a lock. More than the time above, so that a hanging holder is aborted first, not
    /// the waiter.
    lock: Duration,
    /// How long the server executes a statement.
    statement: Duration,
    /// How long we wait for a connection.
    pub(crate) acquire: Duration,
    /// How long we wait for a whole transaction, or a statement outside of one, including the connection. A connection
    /// that has not answered by then is closed. More than the server's limits, whose errors are more precise.
    pub(crate) whole: Duration,
    pub(crate) connections: u32,
}

/// Work that a caller waits for: it is done or refused within 5 seconds.
pub(crate) const CALL: Limits = Limits {
    idle_in_transaction: Duration::from_secs(2),
    lock: Duration::from_secs(3),
    statement: Duration::from_secs(4),
    acquire: Duration::from_secs(3),
    whole: Duration::from_millis(4500),
    connections: 10,
};

/// Large reads, as for an export. They lock nothing.
pub(crate) const LONG_READ: Limits =
    Limits { statement: Duration::from_secs(30), whole: Duration::from_secs(35), connections: 2, ..CALL };

impl Limits {
    /// Makes the server enforce them.
    pub(crate) fn on(&self, options: PgConnectOptions) -> PgConnectOptions {
        let ms = |limit: Duration| limit.as_millis().to_string();
        vanishing(options).options([
            ("idle_in_transaction_session_timeout", ms(self.idle_in_transaction)),
            ("lock_timeout", ms(self.lock)),
            ("statement_timeout", ms(self.statement)),
        ])
    }
}

/// Makes the server notice a vanished host. (It ignores this on Unix sockets.)
pub(crate) fn vanishing(options: PgConnectOptions) -> PgConnectOptions {
    options.options([
        // Milliseconds for which sent data may stay unacknowledged.
        ("tcp_user_timeout", "5000"),
        // Seconds of idleness, seconds between probes, and how many may go unanswered.
        ("tcp_keepalives_idle", "5"),
        ("tcp_keepalives_interval", "2"),
        ("tcp_keepalives_count", "3"),
    ])
}
