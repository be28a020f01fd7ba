//! How long PostgreSQL may keep us waiting, and we others.
//!
//! Both ends keep to it. The server ends what a process leaves open that hangs or has vanished with its host; the process
//! gives up a server that does not answer any more.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

/// How long a connection may rest before it is asked whether it still stands: it may have been cut meanwhile.
pub(crate) const RESTED: Duration = Duration::from_secs(2);
/// How long that question, and what a call leaves behind, may take.
pub(crate) const TIDY: Duration = Duration::from_secs(1);
/// The life of a connection: what the server keeps for it (plans, catalogue) does not grow for ever.
pub(crate) const LIFE: Duration = Duration::from_mins(30);
/// After this without use it is closed.
pub(crate) const UNUSED: Duration = Duration::from_mins(10);

/// Limits of one kind of work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How long the server lets a transaction be open without a statement. Nothing but the database is awaited in one, so
    /// only a process that hangs is silent for so long; whoever waits for its locks has them then.
    idle_in_transaction: Duration,
    /// How long a statement waits for a lock. More than the time above, so that a hung holder loses, not who waits.
    lock: Duration,
    /// How long the server works on a statement.
    statement: Duration,
    /// How long we wait for a connection.
    pub(crate) acquire: Duration,
    /// How long we wait for a whole transaction, or a statement outside of one, the connection included. A connection that
    /// has not answered by then is closed. More than the server's limits, whose words are better.
    pub(crate) whole: Duration,
    pub(crate) connections: u32,
}

/// What somebody waits for: it is done or refused within 5 seconds.
pub(crate) const CALL: Limits = Limits {
    idle_in_transaction: Duration::from_secs(2),
    lock: Duration::from_secs(3),
    statement: Duration::from_secs(4),
    acquire: Duration::from_secs(3),
    whole: Duration::from_millis(4500),
    connections: 10,
};

/// Reads of much, as for an export. Nothing is locked by them.
pub(crate) const LONG_READ: Limits =
    Limits { statement: Duration::from_secs(30), whole: Duration::from_secs(35), connections: 2, ..CALL };

impl Limits {
    /// Has the server keep to them.
    pub(crate) fn on(&self, options: PgConnectOptions) -> PgConnectOptions {
        let ms = |limit: Duration| limit.as_millis().to_string();
        vanishing(options).options([
            ("idle_in_transaction_session_timeout", ms(self.idle_in_transaction)),
            ("lock_timeout", ms(self.lock)),
            ("statement_timeout", ms(self.statement)),
        ])
    }
}

/// Has the server notice a host that vanished. (It ignores this on Unix sockets.)
pub(crate) fn vanishing(options: PgConnectOptions) -> PgConnectOptions {
    options.options([
        // Milliseconds for which what it sent may stay unconfirmed.
        ("tcp_user_timeout", "5000"),
        // Seconds of silence, seconds between questions, and how many go unanswered.
        ("tcp_keepalives_idle", "5"),
        ("tcp_keepalives_interval", "2"),
        ("tcp_keepalives_count", "3"),
    ])
}
