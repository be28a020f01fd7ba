//! Pages of files, for commands that read all of them.

use tidings_domain::{AppId, Error};
use tidings_store::{Db, on_db, sqlx};

const WITH_BYTES: &str = "
    select uuid, size, sha256, thumbnail_size from file
    where app_id = $1 and uuid > $2 and gone_at is null order by uuid limit cast($3 as bigint)";

const IS_KNOWN: &str = "
    select (select count(*) from file where app_id = $1 and uuid = $2 and gone_at is null)
        + (select count(*) from unclaimed where app_id = $1 and uuid = $2)";

pub const ALL: &[&str] = &[WITH_BYTES, IS_KNOWN];

/// A file that has bytes.
#[derive(Debug, Clone)]
pub struct WithBytes {
    pub uuid: String,
    pub size: u64,
    pub sha256: String,
    pub thumbnail_size: Option<u64>,
}

/// A page of an app's files above a uuid.
pub async fn with_bytes(db: &Db, app: AppId, above: &str, limit: i64) -> Result<Vec<WithBytes>, Error> {
    let rows: Vec<(String, i64, String, Option<i64>)> =
        on_db!(db, |c| sqlx::query_as(WITH_BYTES).bind(app.0).bind(above).bind(limit).fetch_all(c).await)?;
    let file = |(uuid, size, sha256, thumbnail): (String, i64, String, Option<i64>)| WithBytes {
        uuid,
        size: size as u64,
        sha256,
        thumbnail_size: thumbnail.map(|size| size as u64),
    };
    Ok(rows.into_iter().map(file).collect())
}

/// Whether an object belongs to a file, or is recorded as belonging to none.
pub async fn is_known(db: &Db, app: AppId, uuid: &str) -> Result<bool, Error> {
    let (known,): (i64,) = on_db!(db, |c| sqlx::query_as(IS_KNOWN).bind(app.0).bind(uuid).fetch_one(c).await)?;
    Ok(known > 0)
}
