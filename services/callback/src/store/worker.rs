//! The processes that share the work for endpoints.

use std::time::Duration;

use tidings_domain::{Clock, Error};
use tidings_store::{Db, on_tx, sqlx};

const RENEW: &str = "
    insert into worker (owner, lease_until) values ($1, $2)
    on conflict (owner) do update set lease_until = excluded.lease_until";
const LIST: &str = "select owner, lease_until from worker order by owner";
const FORGET_LAPSED: &str = "delete from worker where lease_until <= $1 or lease_until > $2";
const REMOVE: &str = "delete from worker where owner = $1";

pub const ALL: &[&str] = &[RENEW, LIST, FORGET_LAPSED, REMOVE];

/// Renews the lease of a process for so long by the database's clock; returns the processes that have one, itself
/// included. A lease until an implausible future time is none.
pub async fn renew(db: &Db, clock: &dyn Clock, owner: &str, term: Duration) -> Result<Vec<String>, Error> {
    let mut tx = db.begin().await?;
    let now = tx.now(clock).await?;
    let plausible = now + term * 2;
    on_tx!(&mut tx, |c| sqlx::query(RENEW).bind(owner).bind((now + term).0).execute(c).await.map(drop))?;
    let known: Vec<(String, i64)> = on_tx!(&mut tx, |c| sqlx::query_as(LIST).fetch_all(c).await)?;
    tx.commit().await?;
    let all = known.len();
    let live = known.into_iter().filter(|(_, until)| *until > now.0 && *until <= plausible.0);
    let live: Vec<String> = live.map(|(owner, _)| owner).collect();
    if live.len() < all {
        // By itself: with the lock on its own row, two processes could wait for each other.
        let mut tx = db.begin().await?;
        on_tx!(&mut tx, |c| sqlx::query(FORGET_LAPSED).bind(now.0).bind(plausible.0).execute(c).await.map(drop))?;
        tx.commit().await?;
    }
    Ok(live)
}

/// Removes a process that stops.
pub async fn remove(db: &Db, owner: &str) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    on_tx!(&mut tx, |c| sqlx::query(REMOVE).bind(owner).execute(c).await.map(drop))?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use tidings_domain::SystemClock;
    use tidings_store::{Location, on_db, open};
    use tidings_testkit::fresh_database;

    use super::*;
    use crate::SCHEMA;

    const TERM: Duration = Duration::from_mins(1);

    async fn set(db: &Db, statement: &'static str) {
        let mut tx = db.begin().await.unwrap();
        on_tx!(&mut tx, |c| sqlx::query(statement).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn a_process_counts_while_its_lease_does_and_until_it_is_removed() {
        let db = open(&Location::Postgres(fresh_database().await), &SCHEMA, true).await.unwrap();
        let live = async |owner: &str| renew(&db, &SystemClock, owner, TERM).await.unwrap();
        assert_eq!(live("a").await, ["a"]);
        assert_eq!(live("b").await, ["a", "b"]);
        assert_eq!(live("c").await, ["a", "b", "c"]);
        set(&db, "update worker set lease_until = 1 where owner = 'a'").await;
        set(&db, "update worker set lease_until = lease_until + 3600000 where owner = 'b'").await;
        assert_eq!(live("c").await, ["c"]);
        let (rows,): (i64,) =
            on_db!(&db, |c| sqlx::query_as("select count(*) from worker").fetch_one(c).await).unwrap();
        assert_eq!(rows, 1);
        // One that was suspended is back.
        assert_eq!(live("a").await, ["a", "c"]);
        remove(&db, "c").await.unwrap();
        assert_eq!(live("a").await, ["a"]);
    }
}
