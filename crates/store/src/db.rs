//! A database on either engine, and transactions in it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};
use tidings_domain::Error;

use crate::domain_error;

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
    Postgres(PgPool),
}

/// A SQLite file: one connection writes, several read.
#[derive(Debug, Clone)]
pub struct SqliteDb {
    pub(crate) writer: SqlitePool,
    pub(crate) readers: SqlitePool,
    pub(crate) checkpointer: SqlitePool,
    pub(crate) commits: Arc<AtomicU64>,
}

impl SqliteDb {
    /// When the disk is full or fails, SQLite ends the transaction by itself. The rollback that sqlx then sends fails,
    /// and sqlx takes the connection to be inside that transaction for good: it must be replaced.
    async fn begin(&self) -> sqlx::Result<Transaction<'static, Sqlite>> {
        const BEGIN: &str = "begin immediate";
        match self.writer.begin_with(BEGIN).await {
            Err(sqlx::Error::InvalidSavePointStatement) => {
                self.writer.acquire().await?.close().await?;
                self.writer.begin_with(BEGIN).await
            }
            begun => begun,
        }
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
    Postgres(Transaction<'static, Postgres>),
}

/// A SQLite transaction that counts its commit, so that checkpoints can be planned.
#[derive(Debug)]
pub struct SqliteTx {
    inner: Transaction<'static, Sqlite>,
    commits: Arc<AtomicU64>,
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

    /// Begins a transaction that may write.
    pub async fn begin(&self) -> Result<Tx, Error> {
        match self {
            Self::Sqlite(db) => {
                let inner = db.begin().await.map_err(domain_error)?;
                Ok(Tx::Sqlite(SqliteTx { inner, commits: Arc::clone(&db.commits) }))
            }
            Self::Postgres(pool) => Ok(Tx::Postgres(pool.begin().await.map_err(domain_error)?)),
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        crate::on_db!(self, |c| sqlx::query("select 1").execute(c).await.map(drop))
    }

    /// Closes every connection; on SQLite the write-ahead log is folded into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(db) => {
                db.checkpointer.close().await;
                db.readers.close().await;
                db.writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
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

    /// Makes everything done in it durable.
    pub async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx) => {
                tx.inner.commit().await.map_err(domain_error)?;
                tx.commits.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Self::Postgres(tx) => tx.commit().await.map_err(domain_error),
        }
    }
}
