//! Leases of node numbers.

use tidings_domain::{Error, UnixMillis};
use tidings_store::{Db, on_tx, sqlx};

const ALL_LEASES: &str = "select node, expires_at, reached_at from node_lease order by node";

/// Takes a node that nobody holds.
const TAKE: &str = "
    insert into node_lease (node, holder, expires_at, reached_at) values ($1, $2, $3, $4)
    on conflict (node) do update
    set holder = excluded.holder, expires_at = excluded.expires_at, reached_at = excluded.reached_at
    where node_lease.expires_at <= $5";

/// One that another process has held since is not one's own any more, also when it has run out again: ids were minted
/// under it that the former holder does not know of.
const RENEW: &str = "update node_lease set expires_at = $3, reached_at = $4 where node = $1 and holder = $2";

pub const ALL: &[&str] = &[ALL_LEASES, TAKE, RENEW];

/// A node number in somebody's hands until `expires_at`.
#[derive(Debug, Clone, Copy)]
pub struct NodeLease {
    pub node: i64,
    pub expires_at: UnixMillis,
    /// Nothing of a later time was minted under it.
    pub reached_at: UnixMillis,
}

/// Every lease, also those that ran out.
pub async fn all(db: &Db) -> Result<Vec<NodeLease>, Error> {
    let rows: Vec<(i64, i64, i64)> = tidings_store::on_db!(db, |c| sqlx::query_as(ALL_LEASES).fetch_all(c).await)?;
    let leases = rows.into_iter().map(|(node, expires_at, reached_at)| NodeLease {
        node,
        expires_at: UnixMillis(expires_at),
        reached_at: UnixMillis(reached_at),
    });
    Ok(leases.collect())
}

/// Renews a lease; false when another process has taken it.
pub async fn renew(db: &Db, lease: NodeLease, holder: &str) -> Result<bool, Error> {
    let mut tx = db.begin().await?;
    let renewed = on_tx!(&mut tx, |c| sqlx::query(RENEW)
        .bind(lease.node)
        .bind(holder)
        .bind(lease.expires_at.0)
        .bind(lease.reached_at.0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    tx.commit().await?;
    Ok(renewed == 1)
}

/// Takes a lease that has run out by `now`; false when another process was first.
pub async fn take(db: &Db, lease: NodeLease, holder: &str, now: UnixMillis) -> Result<bool, Error> {
    let mut tx = db.begin().await?;
    let taken = on_tx!(&mut tx, |c| sqlx::query(TAKE)
        .bind(lease.node)
        .bind(holder)
        .bind(lease.expires_at.0)
        .bind(lease.reached_at.0)
        .bind(now.0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    tx.commit().await?;
    Ok(taken == 1)
}
