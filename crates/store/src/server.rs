//! How a PostgreSQL server is set up, as far as what we acknowledge depends on it.

use tidings_domain::Error;

use crate::{
    Db, Tx,
    limits::{CALL, LONG_READ},
    on_db, on_tx,
};

/// As they are for our own connections.
const SETTINGS: &str = "
    select current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
        current_setting('max_connections')::bigint,
        current_setting('superuser_reserved_connections')::bigint
            + coalesce(current_setting('reserved_connections', true), '0')::bigint";
/// Makes the transaction one that has written, though nothing is left of it.
const WRITE: &str = "select pg_logical_emit_message(true, 'tidings', 'doctor'::text) is not null";

/// Maximum number of connections of a process to one service's schema.
pub const MOST_CONNECTIONS: u32 = CALL.connections + LONG_READ.connections;

/// Settings of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// Whether it waits for the disk at all: `on` or `off`.
    pub fsync: String,
    /// Whether it survives pages that were written in part: `on` or `off`.
    pub full_page_writes: String,
    /// Whether a commit waits for the log: `off`, or how far.
    pub synchronous_commit: String,
    /// Maximum number of connections that it admits.
    pub max_connections: i64,
    /// How many of them are kept for administrators.
    pub reserved_connections: i64,
}

impl Db {
    /// The server's settings; none on SQLite, where they are ours.
    pub async fn server_settings(&self) -> Result<Option<ServerSettings>, Error> {
        if let Self::Sqlite(_) = self {
            return Ok(None);
        }
        let found: (String, String, String, i64, i64) = on_db!(self, |c| sqlx::query_as(SETTINGS).fetch_one(c).await)?;
        let (fsync, full_page_writes, synchronous_commit, max_connections, reserved_connections) = found;
        let settings =
            ServerSettings { fsync, full_page_writes, synchronous_commit, max_connections, reserved_connections };
        Ok(Some(settings))
    }
}

impl Tx {
    /// Writes to the server's log alone, so that the commit has something to wait for. On SQLite it does nothing.
    pub async fn write_to_log(&mut self) -> Result<(), Error> {
        if let Self::Sqlite(_) = self {
            return Ok(());
        }
        on_tx!(self, |c| sqlx::query(WRITE).execute(c).await.map(drop))
    }
}
