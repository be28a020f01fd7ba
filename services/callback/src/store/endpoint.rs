//! Endpoints.

use std::time::Duration;

use tidings_domain::{AppId, Error, UnixMillis};
use tidings_runtime::{DataKey, Sealed};
use tidings_store::{Db, Tx, on_db, on_tx, row, sqlx};

use crate::{
    model::{Dialect, Endpoint, Retry},
    webhook,
};

const COUNT: &str = "
    insert into counter (app_id, name, last) values ($1, $2, $3)
    on conflict (app_id, name) do update set last = counter.last + excluded.last
    returning last";

const INSERT: &str = "
    insert into endpoint (app_id, endpoint_id, dialect, url, token, secret, events, ordered, retry, timeout_ms,
        allow_private, paused, paused_because, created_at, cursor)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, '', $12, $13)";

const LIST: &str = "
    select app_id, endpoint_id, dialect, url, token, secret, events, ordered, retry, timeout_ms, allow_private,
        case when paused = 1 then paused_because else null end as paused, created_at, cursor, previous_secret, previous_until
    from endpoint where app_id >= $1 and app_id <= $2 order by app_id, endpoint_id";

const NUMBER: &str = "select count(*) from endpoint where app_id = $1";
const PAUSE: &str = "update endpoint set paused = $3, paused_because = $4 where app_id = $1 and endpoint_id = $2";
const DELETE: &str = "delete from endpoint where app_id = $1 and endpoint_id = $2";
/// The cursor it was read at: another process may have moved it.
const MOVE: &str = "update endpoint set cursor = $3 where app_id = $1 and endpoint_id = $2 and cursor = $4";
const ROTATE: &str = "
    update endpoint set previous_secret = secret, previous_until = $4, secret = $3
    where app_id = $1 and endpoint_id = $2";

/// Every app that has, or had, an endpoint.
const APPS: &str = "select distinct app_id from counter order by app_id";
const DELETE_ALL: &str = "delete from endpoint where app_id = $1";
const FORGET_COUNTERS: &str = "delete from counter where app_id = $1";
/// Sealed keys, newest first.
const SEALED: &str = "
    select app_id, secret from endpoint order by app_id desc, endpoint_id desc limit cast($1 as bigint)";

pub const ALL: &[&str] =
    &[COUNT, INSERT, LIST, NUMBER, PAUSE, DELETE, MOVE, ROTATE, APPS, DELETE_ALL, FORGET_COUNTERS, SEALED];

/// The column names that tokens and keys are sealed with.
const TOKEN: &str = "endpoint.token";
const SECRET: &str = "endpoint.secret";

/// Takes `wanted` numbers and returns the last of them.
pub async fn count(tx: &mut Tx, app: AppId, name: &str, wanted: i64) -> Result<i64, Error> {
    let (last,): (i64,) = on_tx!(tx, |c| sqlx::query_as(COUNT).bind(app.0).bind(name).bind(wanted).fetch_one(c).await)?;
    Ok(last)
}

/// How many endpoints the app has.
pub async fn number(tx: &mut Tx, app: AppId) -> Result<i64, Error> {
    let (number,): (i64,) = on_tx!(tx, |c| sqlx::query_as(NUMBER).bind(app.0).fetch_one(c).await)?;
    Ok(number)
}

/// Adds an endpoint; its tokens are sealed by `seal`, which gets the column's name.
pub async fn insert(tx: &mut Tx, endpoint: &Endpoint, seal: impl Fn(&str, &str) -> String) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(INSERT)
        .bind(endpoint.app.0)
        .bind(endpoint.id)
        .bind(endpoint.dialect.name())
        .bind(&endpoint.url)
        .bind(endpoint.token.as_deref().map(|token| seal(TOKEN, token)))
        .bind(seal(SECRET, &endpoint.secret))
        .bind(endpoint.events.join(","))
        .bind(i64::from(endpoint.ordered))
        .bind(endpoint.retry.name())
        .bind(endpoint.timeout.as_millis() as i64)
        .bind(i64::from(endpoint.allow_private))
        .bind(endpoint.created_at.0)
        .bind(&endpoint.cursor)
        .execute(c)
        .await
        .map(drop))
}

row! {
    /// The public fields, and the secrets as sealed.
    struct EndpointRow {
        app_id: i64,
        endpoint_id: i64,
        dialect: String,
        url: String,
        token: Option<String>,
        secret: String,
        events: String,
        ordered: i64,
        retry: String,
        timeout_ms: i64,
        allow_private: i64,
        paused: Option<String>,
        created_at: i64,
        cursor: String,
        previous_secret: Option<String>,
        previous_until: i64,
    }
}

/// The endpoints of one app, or of all. One whose token or key cannot be decrypted is paused, and does not prevent
/// others from being read.
pub async fn list(db: &Db, key: &DataKey, app: Option<AppId>) -> Result<Vec<Endpoint>, Error> {
    let (first, last) = app.map_or((i64::MIN, i64::MAX), |app| (app.0, app.0));
    let rows: Vec<EndpointRow> = on_db!(db, |c| sqlx::query_as(LIST).bind(first).bind(last).fetch_all(c).await)?;
    rows.into_iter().map(|row| endpoint(key, row)).collect()
}

fn endpoint(key: &DataKey, row: EndpointRow) -> Result<Endpoint, Error> {
    let app = AppId(row.app_id);
    // It was sealed as the key, before it became the former one. Without it only the current one signs.
    let previous = row.previous_secret.and_then(|previous| opened(key, app, (SECRET, &previous)).ok());
    let secret = opened(key, app, (SECRET, &row.secret));
    let token = row.token.map(|token| key.open(app, TOKEN, &token)).transpose();
    let broken = match (&secret, &token) {
        (Err(error), _) => Some(format!("its key cannot be used, rotate it: {}", in_words(error))),
        (_, Err(error)) => Some(format!("its token cannot be used, add the endpoint again: {}", in_words(error))),
        _ => None,
    };
    Ok(Endpoint {
        app,
        id: row.endpoint_id,
        dialect: Dialect::of_name(&row.dialect)?,
        url: row.url,
        token: token.unwrap_or_default(),
        secret: secret.unwrap_or_default(),
        previous: previous.map(|previous| (previous, UnixMillis(row.previous_until))),
        events: row.events.split(',').filter(|event| !event.is_empty()).map(str::to_owned).collect(),
        ordered: row.ordered != 0,
        retry: Retry::of_name(&row.retry)?,
        timeout: Duration::from_millis(row.timeout_ms as u64),
        allow_private: row.allow_private != 0,
        is_broken: broken.is_some(),
        paused: broken.or(row.paused),
        created_at: UnixMillis(row.created_at),
        cursor: row.cursor,
    })
}

/// A key that signs.
fn opened(key: &DataKey, app: AppId, (column, sealed): (&str, &str)) -> Result<String, Error> {
    let secret = key.open(app, column, sealed)?;
    webhook::check(&secret)?;
    Ok(secret)
}

/// The cause is shown as our text and reveals nothing of the secret.
fn in_words(error: &Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// Pauses it, or resumes it (`None`).
pub async fn pause(tx: &mut Tx, app: AppId, id: i64, because: Option<&str>) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(PAUSE)
        .bind(app.0)
        .bind(id)
        .bind(i64::from(because.is_some()))
        .bind(because.unwrap_or_default())
        .execute(c)
        .await
        .map(drop))
}

/// Removes it.
pub async fn delete(tx: &mut Tx, app: AppId, id: i64) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(DELETE).bind(app.0).bind(id).execute(c).await.map(drop))
}

/// Moves its cursor from where it was read; false if it has moved or was removed.
pub async fn advance(tx: &mut Tx, app: AppId, id: i64, from: &str, to: &str) -> Result<bool, Error> {
    let moved = on_tx!(tx, |c| sqlx::query(MOVE)
        .bind(app.0)
        .bind(id)
        .bind(to)
        .bind(from)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(moved > 0)
}

/// Replaces its key; the former one also signs until then. False if the endpoint was removed.
pub async fn rotate(
    tx: &mut Tx,
    (app, id): (AppId, i64),
    secret: &str,
    until: UnixMillis,
    seal: impl Fn(&str, &str) -> String,
) -> Result<bool, Error> {
    let sealed = seal(SECRET, secret);
    let rotated = on_tx!(tx, |c| sqlx::query(ROTATE)
        .bind(app.0)
        .bind(id)
        .bind(sealed)
        .bind(until.0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rotated > 0)
}

/// Every app that may have data here.
pub async fn apps(db: &Db) -> Result<Vec<AppId>, Error> {
    let rows: Vec<(i64,)> = on_db!(db, |c| sqlx::query_as(APPS).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|(app,)| AppId(app)).collect())
}

/// Removes every endpoint of an app and returns how many.
pub async fn delete_all(tx: &mut Tx, app: AppId) -> Result<u64, Error> {
    on_tx!(tx, |c| sqlx::query(DELETE_ALL).bind(app.0).execute(c).await.map(|done| done.rows_affected()))
}

/// Removes the record of an app.
pub async fn forget_counters(tx: &mut Tx, app: AppId) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(FORGET_COUNTERS).bind(app.0).execute(c).await.map(drop))
}

/// Up to `most` keys as stored, the newest apps' first.
pub async fn sealed(db: &Db, most: i64) -> Result<Vec<Sealed>, Error> {
    let rows: Vec<(i64, String)> = on_db!(db, |c| sqlx::query_as(SEALED).bind(most).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|(app, secret)| (AppId(app), SECRET, secret)).collect())
}
