//! A database on either engine, and transactions in it.

use tidings_domain::Error;

use crate::{
    checkpoint,
    commit_signal::CommitSignal,
    domain_error,
    pool_use::PoolUse,
    postgres::{PostgresDb, PostgresTx},
    sqlite::{SqliteDb, SqliteTx},
};

/// The engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Embedded.
    Sqlite,
    /// A server.
    Postgres,
}

/// One service's database. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Db {
    /// One file, one writer.
    Sqlite(SqliteDb),
    /// One schema of a server.
    Postgres(PostgresDb),
}

/// A transaction that is rolled back unless it is committed.
#[derive(Debug)]
pub enum Tx {
    /// Holds the one writing connection.
    Sqlite(SqliteTx),
    /// Read committed.
    Postgres(PostgresTx),
}

impl Db {
    /// The engine.
    pub const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// The same database for large reads, as for exports: on PostgreSQL each may take 35 seconds, and they have
    /// connections of their own. Transactions stay as short as elsewhere.
    #[must_use]
    pub fn for_long_reads(&self) -> Self {
        match self {
            Self::Sqlite(db) => Self::Sqlite(db.clone()),
            Self::Postgres(db) => Self::Postgres(db.for_long_reads()),
        }
    }

    /// Begins a transaction that may write. On PostgreSQL it must be committed within 4.5 seconds, with at most 2
    /// seconds between statements; otherwise it is rolled back, and fails as unavailable.
    pub async fn begin(&self) -> Result<Tx, Error> {
        match self {
            Self::Sqlite(db) => Ok(Tx::Sqlite(db.begin().await.map_err(|error| domain_error(db.seen(error)))?)),
            Self::Postgres(db) => Ok(Tx::Postgres(db.begin().await.map_err(domain_error)?)),
        }
    }

    /// Background work that must run for as long as the database is open: it ends when that is closed. Without it
    /// SQLite's write-ahead log grows; PostgreSQL needs none.
    pub async fn upkeep(self) {
        match self {
            Self::Sqlite(db) => checkpoint::run(db).await,
            Self::Postgres(db) => db.closed().await,
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        crate::on_db!(self, |c| sqlx::query("select 1").execute(c).await.map(drop))
    }

    /// The state of its pools of connections.
    pub fn pools(&self) -> Vec<PoolUse> {
        match self {
            Self::Sqlite(db) => db.pools(),
            Self::Postgres(db) => db.pools(),
        }
    }

    /// The size of SQLite's write-ahead log in bytes; none for a server.
    pub fn wal_bytes(&self) -> Option<u64> {
        match self {
            Self::Sqlite(db) => Some(db.wal_bytes()),
            Self::Postgres(_) => None,
        }
    }

    /// Checks a whole SQLite file and returns what is wrong with it; none for a server, which has tools of its own.
    pub async fn damage(&self) -> Result<Option<String>, Error> {
        let Self::Sqlite(db) = self else { return Ok(None) };
        let found: Result<(String,), _> = sqlx::query_as("pragma quick_check(1)").fetch_one(&db.readers).await;
        let (found,) = found.map_err(domain_error)?;
        Ok((found != "ok").then_some(found))
    }

    /// Closes every connection; on SQLite the write-ahead log is checkpointed into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(db) => {
                db.checkpointer.close().await;
                db.readers.close().await;
                db.writer.close().await;
            }
            Self::Postgres(db) => db.close().await,
        }
    }
}

impl Tx {
    /// The engine.
    pub const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Notifies `signal` once it is committed.
    pub fn signal_after_commit(&mut self, signal: &CommitSignal) {
        let signal = signal.clone();
        match self {
            Self::Sqlite(tx) => tx.after_commit.push(signal),
            Self::Postgres(tx) => tx.after_commit.push(signal),
        }
    }

    /// Commits: makes everything done in it durable. A commit that fails as unavailable may have taken effect: see
    /// [`crate::lost`].
    pub async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx) => tx.commit().await.map_err(domain_error),
            Self::Postgres(tx) => tx.commit().await,
        }
    }
}
