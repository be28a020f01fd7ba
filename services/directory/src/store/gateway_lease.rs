//! Until when the sessions of a gateway count.

use std::sync::LazyLock;

use tidings_domain::{Error, UnixMillis};
use tidings_store::{Column, Db, Engine, GatherMany, Kind, Tx, on_db, on_tx};

/// Locks it until the transaction ends, against everybody.
static LOCK: LazyLock<GatherMany> = LazyLock::new(|| by_id("for update"));
/// Keeps it from being removed until the transaction ends; it can be renewed meanwhile.
static HOLD: LazyLock<GatherMany> = LazyLock::new(|| by_id("for key share"));

fn by_id(postgres_tail: &str) -> GatherMany {
    let is_it = "l.gateway_id = r.gateway_id";
    let sqlite = format!("select l.expires_at from r cross join gateway_lease l where {is_it}");
    let postgres = format!(
        "select l.expires_at from r
        cross join lateral (select * from gateway_lease l where {is_it} limit 1 {postgres_tail}) l"
    );
    GatherMany::per_engine(&[("gateway_id", Kind::Int)], &["expires_at"], &sqlite, &postgres)
}

/// What it is before it is renewed; also keeps others from renewing or removing it until the transaction ends.
const FIND: &str = "
    update gateway_lease set expires_at = expires_at where gateway_id = $1 returning expires_at";

const RENEW: &str = "
    insert into gateway_lease (gateway_id, expires_at) values ($1, $2)
    on conflict (gateway_id) do update set expires_at = excluded.expires_at";

const LAPSED: &str = "
    select gateway_id from gateway_lease where expires_at <= $1 order by expires_at, gateway_id
    limit cast($2 as bigint)";

const REMOVE: &str = "
    delete from gateway_lease where gateway_id = $1 and not exists (
        select 1 from connected_session s where s.gateway_id = $1)";

pub(crate) const ALL: &[&str] = &[FIND, RENEW, LAPSED, REMOVE];

pub(crate) fn all(engine: Engine) -> Vec<String> {
    [LOCK.texts(engine), HOLD.texts(engine)].concat()
}

/// Locks a lease; returns its end, if there is one.
pub(crate) async fn lock(tx: &mut Tx, gateway: i64) -> Result<Option<UnixMillis>, Error> {
    let found: Vec<(i64,)> = LOCK.fetch(tx, &[Column::Int(vec![gateway])]).await?;
    Ok(found.first().map(|(until,)| UnixMillis(*until)))
}

/// Keeps a lease from being removed until the transaction ends; false: there is none.
pub(crate) async fn hold(tx: &mut Tx, gateway: i64) -> Result<bool, Error> {
    let found: Vec<(i64,)> = HOLD.fetch(tx, &[Column::Int(vec![gateway])]).await?;
    Ok(!found.is_empty())
}

/// Writes a lease; returns the end of the one before, if there was one.
pub(crate) async fn renew(tx: &mut Tx, gateway: i64, until: UnixMillis) -> Result<Option<UnixMillis>, Error> {
    let found: Option<(i64,)> = on_tx!(&mut *tx, |c| sqlx::query_as(FIND).bind(gateway).fetch_optional(c).await)?;
    on_tx!(tx, |c| sqlx::query(RENEW).bind(gateway).bind(until.0).execute(c).await.map(drop))?;
    Ok(found.map(|(until,)| UnixMillis(until)))
}

/// Some gateways whose lease has expired, the longest-expired first.
pub(crate) async fn lapsed(db: &Db, now: UnixMillis, limit: i64) -> Result<Vec<i64>, Error> {
    let found: Vec<(i64,)> = on_db!(db, |c| sqlx::query_as(LAPSED).bind(now.0).bind(limit).fetch_all(c).await)?;
    Ok(found.into_iter().map(|(gateway,)| gateway).collect())
}

/// Removes a lease that is locked, unless the gateway has sessions.
pub(crate) async fn remove(tx: &mut Tx, gateway: i64) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(REMOVE).bind(gateway).execute(c).await.map(drop))
}
