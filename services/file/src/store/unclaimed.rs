//! Objects that belong to no file.

use tidings_domain::{AppId, Error, UnixMillis};
use tidings_store::{Db, Tx, on_db, on_tx, sqlx};

const INSERT: &str = "
    insert into unclaimed (app_id, uuid, since) values ($1, $2, $3) on conflict (app_id, uuid) do nothing";
const DELETE: &str = "delete from unclaimed where app_id = $1 and uuid = $2";

const OLD: &str = "
    select since, app_id, uuid from unclaimed
    where since <= $1 and (since, app_id, uuid) > ($2, $3, $4)
    order by since, app_id, uuid limit cast($5 as bigint)";

pub const ALL: &[&str] = &[INSERT, DELETE, OLD];

/// Records an object before it exists, or before it is removed; false if it was recorded already.
pub async fn insert(tx: &mut Tx, app: AppId, uuid: &str, since: UnixMillis) -> Result<bool, Error> {
    let noted = on_tx!(tx, |c| sqlx::query(INSERT)
        .bind(app.0)
        .bind(uuid)
        .bind(since.0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(noted > 0)
}

/// Removes a record; false when there was none.
pub async fn delete(tx: &mut Tx, app: AppId, uuid: &str) -> Result<bool, Error> {
    let deleted =
        on_tx!(tx, |c| sqlx::query(DELETE).bind(app.0).bind(uuid).execute(c).await.map(|done| done.rows_affected()))?;
    Ok(deleted > 0)
}

/// An object that belongs to no file, ordered by age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unclaimed {
    pub since: UnixMillis,
    pub app: AppId,
    pub uuid: String,
}

impl Unclaimed {
    /// Sorts before all.
    pub const fn none() -> Self {
        Self { since: UnixMillis(i64::MIN), app: AppId(0), uuid: String::new() }
    }
}

/// Up to `limit` objects after that one which were recorded by then, oldest first.
pub async fn old(db: &Db, by: UnixMillis, after: &Unclaimed, limit: i64) -> Result<Vec<Unclaimed>, Error> {
    let rows: Vec<(i64, i64, String)> = on_db!(db, |c| sqlx::query_as(OLD)
        .bind(by.0)
        .bind(after.since.0)
        .bind(after.app.0)
        .bind(&after.uuid)
        .bind(limit)
        .fetch_all(c)
        .await)?;
    let unclaimed = |(since, app, uuid)| Unclaimed { since: UnixMillis(since), app: AppId(app), uuid };
    Ok(rows.into_iter().map(unclaimed).collect())
}
