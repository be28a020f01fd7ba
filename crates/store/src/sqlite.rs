//! A SQLite file, and transactions in it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{Connection as _, SqlSafeStr as _, Sqlite, SqlitePool, Transaction};
use tokio::time::Instant;

use crate::{commit_signal::CommitSignal, pool_use::PoolUse, sqlite_file::SqliteFile};

/// How long a statement waits for another process's lock on a file.
pub(crate) const BUSY: Duration = Duration::from_secs(5);
/// How long a call waits for a connection to a file before it fails as unavailable.
pub(crate) const ACQUIRE: Duration = Duration::from_secs(5);

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
    /// When the disk is full or fails, SQLite ends the transaction on its own. The rollback that sqlx then sends fails,
    /// and sqlx considers the connection to be inside that transaction permanently: it must be replaced. Another waiter
    /// may get the connection first and fail in the same way, so this is checked while holding the connection.
    pub(crate) async fn begin(&self) -> sqlx::Result<SqliteTx> {
        const BEGIN: &str = "begin immediate";
        let until = Instant::now() + ACQUIRE;
        loop {
            let mut connection = self.writer.acquire().await?;
            if connection.is_in_transaction() {
                // A rollback may be pending; a later query is answered after it.
                let answered = connection.ping().await;
                if answered.is_err() || connection.is_in_transaction() {
                    connection.close().await?;
                    if Instant::now() < until {
                        continue;
                    }
                    return Err(sqlx::Error::PoolTimedOut);
                }
            }
            let inner = Transaction::begin(connection, Some(BEGIN.into_sql_str())).await?;
            return Ok(SqliteTx {
                inner,
                commits: Arc::clone(&self.commits),
                file: Arc::clone(&self.file),
                after_commit: Vec::new(),
            });
        }
    }

    /// Logs which file is damaged, if that is the error.
    #[doc(hidden)]
    pub fn seen(&self, error: sqlx::Error) -> sqlx::Error {
        self.file.seen(error)
    }

    /// The state of its pools.
    pub(crate) fn pools(&self) -> Vec<PoolUse> {
        vec![PoolUse::of("writer", &self.writer, 0), PoolUse::of("readers", &self.readers, 0)]
    }

    /// The size of the write-ahead log in bytes; 0 while there is none.
    pub(crate) fn wal_bytes(&self) -> u64 {
        let mut path = self.file.path().as_os_str().to_owned();
        path.push("-wal");
        std::fs::metadata(path).map_or(0, |log| log.len())
    }

    /// The reading connections.
    pub const fn readers(&self) -> &SqlitePool {
        &self.readers
    }
}

/// A SQLite transaction that counts its commit, so that checkpoints can be planned.
#[derive(Debug)]
pub struct SqliteTx {
    inner: Transaction<'static, Sqlite>,
    commits: Arc<AtomicU64>,
    file: Arc<SqliteFile>,
    pub(crate) after_commit: Vec<CommitSignal>,
}

impl SqliteTx {
    /// As [`SqliteDb::seen`].
    #[doc(hidden)]
    pub fn seen(&self, error: sqlx::Error) -> sqlx::Error {
        self.file.seen(error)
    }

    pub(crate) async fn commit(self) -> sqlx::Result<()> {
        self.inner.commit().await.map_err(|error| self.file.seen(error))?;
        self.commits.fetch_add(1, Ordering::Relaxed);
        for signal in &self.after_commit {
            signal.send_replace(());
        }
        Ok(())
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
