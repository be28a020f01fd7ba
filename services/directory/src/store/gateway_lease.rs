//! Until when the sessions of a gateway count.

use tidings_domain::{Error, UnixMillis};
use tidings_store::{Db, Tx, on_db, on_tx};

/// Also locks it.
const LOCK: &str = "
    update gateway_lease set expires_at = expires_at where gateway_id = $1 returning expires_at";

const RENEW: &str = "
    insert into gateway_lease (gateway_id, expires_at) values ($1, $2)
    on conflict (gateway_id) do update set expires_at = excluded.expires_at";

const LAPSED: &str = "
    select gateway_id from gateway_lease where expires_at <= $1 order by expires_at, gateway_id
    limit cast($2 as bigint)";

const REMOVE: &str = "delete from gateway_lease where gateway_id = $1";

pub(crate) const ALL: &[&str] = &[LOCK, RENEW, LAPSED, REMOVE];

/// Locks a lease; returns its end, if there is one.
pub(crate) async fn lock(tx: &mut Tx, gateway: i64) -> Result<Option<UnixMillis>, Error> {
    let found: Option<(i64,)> = on_tx!(tx, |c| sqlx::query_as(LOCK).bind(gateway).fetch_optional(c).await)?;
    Ok(found.map(|(until,)| UnixMillis(until)))
}

/// Writes a lease.
pub(crate) async fn renew(tx: &mut Tx, gateway: i64, until: UnixMillis) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(RENEW).bind(gateway).bind(until.0).execute(c).await.map(drop))
}

/// Some gateways whose lease is over, those for the longest time first.
pub(crate) async fn lapsed(db: &Db, now: UnixMillis, limit: i64) -> Result<Vec<i64>, Error> {
    let found: Vec<(i64,)> = on_db!(db, |c| sqlx::query_as(LAPSED).bind(now.0).bind(limit).fetch_all(c).await)?;
    Ok(found.into_iter().map(|(gateway,)| gateway).collect())
}

/// Removes a lease.
pub(crate) async fn remove(tx: &mut Tx, gateway: i64) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(REMOVE).bind(gateway).execute(c).await.map(drop))
}
