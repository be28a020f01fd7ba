//! The clock shared by all processes on one database.

use tidings_domain::{Clock, Error, UnixMillis};

use crate::{Db, Tx, on_db, on_tx};

const NOW: &str = "select (extract(epoch from clock_timestamp()) * 1000)::bigint";

impl Db {
    /// PostgreSQL's clock. On SQLite, with its single process, it is `clock`.
    ///
    /// For times that one process writes and another compares: leases, and what is old enough to be removed.
    pub async fn now(&self, clock: &dyn Clock) -> Result<UnixMillis, Error> {
        if let Self::Sqlite(_) = self {
            return Ok(clock.now());
        }
        let (now,): (i64,) = on_db!(self, |c| sqlx::query_as(NOW).fetch_one(c).await)?;
        Ok(UnixMillis(now))
    }
}

impl Tx {
    /// See [`Db::now`].
    pub async fn now(&mut self, clock: &dyn Clock) -> Result<UnixMillis, Error> {
        if let Self::Sqlite(_) = self {
            return Ok(clock.now());
        }
        let (now,): (i64,) = on_tx!(self, |c| sqlx::query_as(NOW).fetch_one(c).await)?;
        Ok(UnixMillis(now))
    }
}
