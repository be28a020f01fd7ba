//! The clock that all processes on one database have in common.

use tidings_domain::{Clock, Error, UnixMillis};

use crate::{Db, Tx, on_db, on_tx};

const NOW: &str = "select (extract(epoch from clock_timestamp()) * 1000)::bigint";

impl Db {
    /// What PostgreSQL's clock shows. On SQLite, where one process is alone, it is `clock`.
    ///
    /// For what one process writes and another compares: who holds what until when, and what is old enough to be removed.
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
