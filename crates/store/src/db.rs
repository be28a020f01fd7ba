//! A database on either engine, and transactions in it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sqlx::{Connection as _, SqlSafeStr as _, Sqlite, SqlitePool, Transaction};
use tidings_domain::Error;
use tokio::time::Instant;

use crate::{
    checkpoint, domain_error,
    postgres::{PostgresDb, PostgresTx},
    sqlite_file::SqliteFile,
};

/// Which engine it is.
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

/// A SQLite file: one connection writes, several read.
#[derive(Debug, Clone)]
pub struct SqliteDb {
    pub(crate) file: Arc<SqliteFile>,
    pub(crate) writer: SqlitePool,
    pub(crate) readers: SqlitePool,
    pub(crate) checkpointer: SqlitePool,
    pub(crate) commits: Arc<AtomicU64>,
}

impl SqliteDb {
    /// When the disk is full or fails, SQLite ends the transaction by itself. The rollback that sqlx then sends fails,
    /// and sqlx takes the connection to be inside that transaction for good: it must be replaced. Whoever waited for the
    /// connection may come first and fail in the same way, so this is found out with the connection in hand.
    async fn begin(&self) -> sqlx::Result<Transaction<'static, Sqlite>> {
        const BEGIN: &str = "begin immediate";
        let until = Instant::now() + crate::open::ACQUIRE;
        loop {
            let mut connection = self.writer.acquire().await?;
            if connection.is_in_transaction() {
                // A rollback may be on its way; what is asked after it is answered after it.
                let answered = connection.ping().await;
                if answered.is_err() || connection.is_in_transaction() {
                    connection.close().await?;
                    if Instant::now() < until {
                        continue;
                    }
                    return Err(sqlx::Error::PoolTimedOut);
                }
            }
            return Transaction::begin(connection, Some(BEGIN.into_sql_str())).await;
        }
    }

    /// Says in the log which file is damaged, if that is what the error says.
    #[doc(hidden)]
    pub fn seen(&self, error: sqlx::Error) -> sqlx::Error {
        self.file.seen(error)
    }

    /// The reading connections.
    pub const fn readers(&self) -> &SqlitePool {
        &self.readers
    }
}

/// A transaction that is rolled back unless it is committed.
#[derive(Debug)]
pub enum Tx {
    /// Holds the one writing connection.
    Sqlite(SqliteTx),
    /// Read committed.
    Postgres(PostgresTx),
}

/// A SQLite transaction that counts its commit, so that checkpoints can be planned.
#[derive(Debug)]
pub struct SqliteTx {
    inner: Transaction<'static, Sqlite>,
    commits: Arc<AtomicU64>,
    file: Arc<SqliteFile>,
}

impl SqliteTx {
    /// As [`SqliteDb::seen`].
    #[doc(hidden)]
    pub fn seen(&self, error: sqlx::Error) -> sqlx::Error {
        self.file.seen(error)
    }
}

impl std::ops::Deref for SqliteTx {
    type Target = sqlx::SqliteConnection;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl std::ops::DerefMut for SqliteTx {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.inner
    }
}

impl Db {
    /// Which engine it is.
    pub const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// The same database for reads of much, as for exports: on PostgreSQL each may take 35 seconds, and they have
    /// connections of their own. Transactions stay as short as elsewhere.
    #[must_use]
    pub fn for_long_reads(&self) -> Self {
        match self {
            Self::Sqlite(db) => Self::Sqlite(db.clone()),
            Self::Postgres(db) => Self::Postgres(db.for_long_reads()),
        }
    }

    /// Begins a transaction that may write. On PostgreSQL it must be committed within 4.5 seconds, and be
    /// silent for 2 at most; it is undone otherwise, and fails as unavailable.
    pub async fn begin(&self) -> Result<Tx, Error> {
        match self {
            Self::Sqlite(db) => {
                let inner = db.begin().await.map_err(|error| domain_error(db.seen(error)))?;
                Ok(Tx::Sqlite(SqliteTx { inner, commits: Arc::clone(&db.commits), file: Arc::clone(&db.file) }))
            }
            Self::Postgres(db) => Ok(Tx::Postgres(db.begin().await.map_err(domain_error)?)),
        }
    }

    /// What must run beside the calls for as long as the database is open: it ends when that is closed. Without it
    /// SQLite's write-ahead log grows; PostgreSQL sees to itself.
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

    /// What is wrong with a SQLite file, read as a whole; none of a server's tables, which has tools of its own.
    pub async fn damage(&self) -> Result<Option<String>, Error> {
        let Self::Sqlite(db) = self else { return Ok(None) };
        let found: Result<(String,), _> = sqlx::query_as("pragma quick_check(1)").fetch_one(&db.readers).await;
        let (found,) = found.map_err(domain_error)?;
        Ok((found != "ok").then_some(found))
    }

    /// Closes every connection; on SQLite the write-ahead log is folded into the file.
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
    /// Which engine it is.
    pub const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Makes everything done in it durable. What fails as unavailable may have taken place: see [`crate::lost`].
    pub async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx) => {
                tx.inner.commit().await.map_err(|error| domain_error(tx.file.seen(error)))?;
                tx.commits.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Self::Postgres(tx) => tx.commit().await,
        }
    }
}
