//! Descriptions of files.

use tidings_domain::{AppId, Error, StoredFile, Thumbnail, UnixMillis};
use tidings_store::{Db, Tx, on_db, on_tx, sqlx};

const INSERT: &str = "
    insert into file (app_id, uuid, name, content_type, size, sha256, restricted, secret, internal, thumbnail_type,
        thumbnail_size, created_at, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

const FIND: &str = "
    select name, content_type, size, sha256, restricted, secret, internal, thumbnail_type, thumbnail_size, created_at,
        expires_at, gone_at
    from file where app_id = $1 and uuid = $2";

const RETIRE: &str = "update file set gone_at = $3 where app_id = $1 and uuid = $2 and gone_at is null";

/// The same for the sweeper. A file that was kept since it was listed has no expiry now, and stays.
const RETIRE_EXPIRED: &str = "
    update file set gone_at = $3
    where app_id = $1 and uuid = $2 and gone_at is null and expires_at is not null and expires_at <= $3";

const KEEP: &str = "update file set expires_at = null where app_id = $1 and uuid = $2 and gone_at is null";

/// The cast keeps SQLite from planning the query again for each limit that it is given.
const EXPIRED: &str = "
    select app_id, uuid from file
    where gone_at is null and expires_at is not null and expires_at <= $1
    order by expires_at limit cast($2 as bigint)";

pub const ALL: &[&str] = &[INSERT, FIND, RETIRE, RETIRE_EXPIRED, KEEP, EXPIRED];

/// A file with what only this service knows of it.
#[derive(Debug)]
pub struct Kept {
    pub file: StoredFile,
    /// For our own use.
    pub internal: bool,
    /// Its bytes were removed.
    pub gone: bool,
}

type FileRow =
    (String, String, i64, String, i64, String, i64, Option<String>, Option<i64>, i64, Option<i64>, Option<i64>);

/// Publishes a file.
pub async fn insert(tx: &mut Tx, app: AppId, file: &StoredFile, internal: bool) -> Result<(), Error> {
    let thumbnail = file.thumbnail.as_ref();
    on_tx!(tx, |c| sqlx::query(INSERT)
        .bind(app.0)
        .bind(&file.uuid)
        .bind(&file.name)
        .bind(&file.content_type)
        .bind(file.size as i64)
        .bind(&file.sha256)
        .bind(i64::from(file.restricted))
        .bind(&file.secret)
        .bind(i64::from(internal))
        .bind(thumbnail.map(|thumbnail| thumbnail.content_type.clone()))
        .bind(thumbnail.map(|thumbnail| thumbnail.size as i64))
        .bind(file.created_at.0)
        .bind(file.expires_at.map(|at| at.0))
        .execute(c)
        .await
        .map(drop))
}

/// The file of that uuid, also when it is gone.
pub async fn find(db: &Db, app: AppId, uuid: &str) -> Result<Option<Kept>, Error> {
    let row: Option<FileRow> = on_db!(db, |c| sqlx::query_as(FIND).bind(app.0).bind(uuid).fetch_optional(c).await)?;
    Ok(row.map(|row| kept(uuid, row)))
}

fn kept(uuid: &str, row: FileRow) -> Kept {
    let (name, content_type, size, sha256, restricted, secret, internal, kind, thumbnail_size, created, expires, gone) =
        row;
    let thumbnail = kind.zip(thumbnail_size);
    let file = StoredFile {
        uuid: uuid.to_owned(),
        name,
        content_type,
        size: size as u64,
        sha256,
        restricted: restricted != 0,
        secret,
        thumbnail: thumbnail.map(|(content_type, size)| Thumbnail { content_type, size: size as u64 }),
        created_at: UnixMillis(created),
        expires_at: expires.map(UnixMillis),
    };
    Kept { file, internal: internal != 0, gone: gone.is_some() }
}

/// Marks a file as gone; false when it was, or never was there.
pub async fn retire(tx: &mut Tx, app: AppId, uuid: &str, now: UnixMillis) -> Result<bool, Error> {
    mark(tx, RETIRE, app, uuid, now).await
}

/// Marks a file as gone if its time is over; false also when it is not.
pub async fn retire_expired(tx: &mut Tx, app: AppId, uuid: &str, now: UnixMillis) -> Result<bool, Error> {
    mark(tx, RETIRE_EXPIRED, app, uuid, now).await
}

async fn mark(tx: &mut Tx, how: &'static str, app: AppId, uuid: &str, now: UnixMillis) -> Result<bool, Error> {
    let retired = on_tx!(tx, |c| sqlx::query(how)
        .bind(app.0)
        .bind(uuid)
        .bind(now.0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(retired > 0)
}

/// Keeps a file for ever; false when it is gone, or never was there.
pub async fn keep(tx: &mut Tx, app: AppId, uuid: &str) -> Result<bool, Error> {
    let kept =
        on_tx!(tx, |c| sqlx::query(KEEP).bind(app.0).bind(uuid).execute(c).await.map(|done| done.rows_affected()))?;
    Ok(kept > 0)
}

/// Up to `limit` files of any app whose time is over, the oldest first.
pub async fn expired(db: &Db, now: UnixMillis, limit: i64) -> Result<Vec<(AppId, String)>, Error> {
    let rows: Vec<(i64, String)> = on_db!(db, |c| sqlx::query_as(EXPIRED).bind(now.0).bind(limit).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|(app, uuid)| (AppId(app), uuid)).collect())
}
