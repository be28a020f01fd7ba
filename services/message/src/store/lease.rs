//! Leases of node numbers. Their times are the database's (see [`tidings_store::Tx::now`]).

use std::time::Duration;

use tidings_domain::{Clock, Error, UnixMillis};
use tidings_store::{Db, Engine, Tx, on_tx, sqlx};

/// How long a number is held without renewal.
pub const TERM: Duration = Duration::from_secs(20);
/// A lease that ends later than this was written with another clock, so it is ignored.
const IMPOSSIBLE: Duration = Duration::from_mins(1);

const ALL_LEASES: &str = "select node, expires_at, reached_at from node_lease order by node";

/// Takes a free node.
const TAKE: &str = "
    insert into node_lease (node, holder, expires_at, reached_at) values ($1, $2, $3, $4)
    on conflict (node) do update
    set holder = excluded.holder, expires_at = excluded.expires_at, reached_at = excluded.reached_at
    where node_lease.expires_at <= $5 or node_lease.expires_at > $6";

/// A number that another process has held since is lost, even if that lease has expired again: ids were minted
/// under it that the former holder does not know of.
const RENEW: &str = "update node_lease set expires_at = $3, reached_at = $4 where node = $1 and holder = $2";

const RAN: &str = "
    insert into last_run (one, at_ms) values (1, $1) on conflict (one) do update set at_ms = excluded.at_ms";
const LAST_RUN: &str = "select at_ms from last_run where one = 1";

pub const ALL: &[&str] = &[ALL_LEASES, TAKE, RENEW, RAN, LAST_RUN];

/// A leased node number.
#[derive(Debug, Clone, Copy)]
pub struct NodeLease {
    pub node: i64,
    /// Nothing of a later time was minted under it.
    pub reached_at: UnixMillis,
}

/// Every lease, and whether its number is free. On SQLite the lock on the data folder ensures that there is only one
/// process, so earlier leases are void.
pub async fn all(db: &Db, clock: &dyn Clock) -> Result<Vec<(NodeLease, bool)>, Error> {
    let (alone, now) = (db.engine() == Engine::Sqlite, db.now(clock).await?);
    let rows: Vec<(i64, i64, i64)> = tidings_store::on_db!(db, |c| sqlx::query_as(ALL_LEASES).fetch_all(c).await)?;
    let leases = rows.into_iter().map(|(node, expires_at, reached_at)| {
        let is_free = alone || expires_at <= now.0 || expires_at > (now + IMPOSSIBLE).0;
        (NodeLease { node, reached_at: UnixMillis(reached_at) }, is_free)
    });
    Ok(leases.collect())
}

/// Renews a lease; false when another process has taken it.
pub async fn renew(db: &Db, clock: &dyn Clock, lease: NodeLease, holder: &str) -> Result<bool, Error> {
    let mut tx = db.begin().await?;
    let expires_at = tx.now(clock).await? + TERM;
    let renewed = on_tx!(&mut tx, |c| sqlx::query(RENEW)
        .bind(lease.node)
        .bind(holder)
        .bind(expires_at.0)
        .bind(lease.reached_at.0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    ran(&mut tx, clock).await?;
    tx.commit().await?;
    Ok(renewed == 1)
}

/// Takes a number that is free; false when another process was first.
pub async fn take(db: &Db, clock: &dyn Clock, lease: NodeLease, holder: &str) -> Result<bool, Error> {
    let mut tx = db.begin().await?;
    let now = tx.now(clock).await?;
    let free = if tx.engine() == Engine::Sqlite { UnixMillis(i64::MAX) } else { now };
    let taken = on_tx!(&mut tx, |c| sqlx::query(TAKE)
        .bind(lease.node)
        .bind(holder)
        .bind((now + TERM).0)
        .bind(lease.reached_at.0)
        .bind(free.0)
        .bind((now + IMPOSSIBLE).0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    ran(&mut tx, clock).await?;
    tx.commit().await?;
    Ok(taken == 1)
}

/// Records the time, if there is no database clock and ours is trusted.
async fn ran(tx: &mut Tx, clock: &dyn Clock) -> Result<(), Error> {
    if tx.engine() == Engine::Postgres || clock.doubt().is_some() {
        return Ok(());
    }
    on_tx!(tx, |c| sqlx::query(RAN).bind(clock.now().0).execute(c).await.map(drop))
}

/// When the only process on its database last ran.
pub async fn last_run(db: &Db) -> Result<Option<UnixMillis>, Error> {
    let row: Option<(i64,)> = tidings_store::on_db!(db, |c| sqlx::query_as(LAST_RUN).fetch_optional(c).await)?;
    Ok(row.map(|(at,)| UnixMillis(at)))
}
