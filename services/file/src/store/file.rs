//! Descriptions of files.

use std::sync::LazyLock;

use tidings_domain::{AppId, Error, StoredFile, Thumbnail, UnixMillis, UserId};
use tidings_store::{Column, Db, GatherMany, Kind, Tx, on_db, on_tx, row, sqlx};

const INSERT: &str = "
    insert into file (app_id, uuid, name, content_type, size, sha256, restricted, secret, internal, thumbnail_type,
        thumbnail_size, created_at, expires_at, width, height, owner_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

const FIND: &str = "
    select uuid, name, content_type, size, sha256, restricted, secret, internal, thumbnail_type, thumbnail_size,
        created_at, expires_at, coalesce(gone_at, withdrawn_at) as gone_at, width, height, owner_id
    from file where app_id = $1 and uuid = $2";

static FIND_MANY: LazyLock<GatherMany> = LazyLock::new(|| {
    GatherMany::new(
        &[("app_id", Kind::Int), ("uuid", Kind::Text)],
        FileRow::COLUMNS,
        "select f.uuid, f.name, f.content_type, f.size, f.sha256, f.restricted, f.secret, f.internal, f.thumbnail_type,
            f.thumbnail_size, f.created_at, f.expires_at, coalesce(f.gone_at, f.withdrawn_at) as gone_at, f.width,
            f.height, f.owner_id
         from r cross join file f where f.app_id = r.app_id and f.uuid = r.uuid",
        "",
    )
});

const RETIRE: &str = "update file set gone_at = $3 where app_id = $1 and uuid = $2 and gone_at is null";

/// Withdraws a file of that owner; may be repeated.
const WITHDRAW: &str = "
    update file set withdrawn_at = coalesce(withdrawn_at, $4)
    where app_id = $1 and uuid = $2 and owner_id = $3 and internal = 0 and gone_at is null";

const RESTORE: &str = "
    update file set withdrawn_at = null
    where app_id = $1 and uuid = $2 and owner_id = $3 and withdrawn_at is not null and gone_at is null";

/// A file that was restored meanwhile is unchanged.
const RETIRE_WITHDRAWN: &str = "
    update file set gone_at = $4
    where app_id = $1 and uuid = $2 and owner_id = $3 and withdrawn_at is not null and gone_at is null";

/// Files of an app by their uuids, in any state.
const AFTER: &str = "
    select uuid from file where app_id = $1 and uuid > $2 order by uuid limit cast($3 as bigint)";
const EXPIRE: &str = "
    update file set expires_at = $4
    where app_id = $1 and uuid > $2 and uuid <= $3 and gone_at is null and (expires_at is null or expires_at > $4)";
const SET_EXPIRY: &str = "update file set expires_at = $3 where app_id = $1 and uuid = $2 and gone_at is null";

/// The same for the sweeper. A file that was kept since it was listed has no expiry now, and is not changed.
const RETIRE_EXPIRED: &str = "
    update file set gone_at = $3
    where app_id = $1 and uuid = $2 and gone_at is null and expires_at is not null and expires_at <= $3";

/// The cast keeps SQLite from planning the query again for each limit.
const EXPIRED: &str = "
    select app_id, uuid from file
    where gone_at is null and expires_at is not null and expires_at <= $1
    order by expires_at limit cast($2 as bigint)";

pub const ALL: &[&str] =
    &[INSERT, FIND, RETIRE, WITHDRAW, RESTORE, RETIRE_WITHDRAWN, RETIRE_EXPIRED, SET_EXPIRY, EXPIRED, AFTER, EXPIRE];

/// A file with the fields that only this service knows.
#[derive(Debug)]
pub struct FileRecord {
    pub file: StoredFile,
    /// For internal use.
    pub internal: bool,
    /// Its bytes were removed, or will be.
    pub gone: bool,
}

row! {
    struct FileRow {
        uuid: String,
        name: String,
        content_type: String,
        size: i64,
        sha256: String,
        restricted: i64,
        secret: String,
        internal: i64,
        thumbnail_type: Option<String>,
        thumbnail_size: Option<i64>,
        created_at: i64,
        expires_at: Option<i64>,
        gone_at: Option<i64>,
        width: Option<i64>,
        height: Option<i64>,
        owner_id: Option<i64>,
    }
}

pub fn lookups() -> Vec<&'static GatherMany> {
    vec![&FIND_MANY]
}

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
        .bind(file.dimensions.map(|(width, _)| i64::from(width)))
        .bind(file.dimensions.map(|(_, height)| i64::from(height)))
        .bind(file.owner.map(|owner| owner.0))
        .execute(c)
        .await
        .map(drop))
}

/// The file with that uuid, even if it was removed.
pub async fn find(db: &Db, app: AppId, uuid: &str) -> Result<Option<FileRecord>, Error> {
    let row: Option<FileRow> = on_db!(db, |c| sqlx::query_as(FIND).bind(app.0).bind(uuid).fetch_optional(c).await)?;
    Ok(row.map(kept))
}

/// The files with those uuids, even if they were removed.
pub async fn find_many(db: &Db, app: AppId, uuids: &[String]) -> Result<Vec<FileRecord>, Error> {
    let columns =
        [Column::Int(vec![app.0; uuids.len()]), Column::Text(uuids.iter().map(|uuid| Some(uuid.as_str())).collect())];
    let rows: Vec<FileRow> = FIND_MANY.read(db, &columns).await?;
    Ok(rows.into_iter().map(kept).collect())
}

fn kept(row: FileRow) -> FileRecord {
    let thumbnail = row.thumbnail_type.zip(row.thumbnail_size);
    let file = StoredFile {
        uuid: row.uuid,
        name: row.name,
        content_type: row.content_type,
        size: row.size as u64,
        sha256: row.sha256,
        restricted: row.restricted != 0,
        secret: row.secret,
        thumbnail: thumbnail.map(|(content_type, size)| Thumbnail { content_type, size: size as u64 }),
        dimensions: row.width.zip(row.height).map(|(width, height)| (width as u32, height as u32)),
        owner: row.owner_id.map(UserId),
        created_at: UnixMillis(row.created_at),
        expires_at: row.expires_at.map(UnixMillis),
    };
    FileRecord { file, internal: row.internal != 0, gone: row.gone_at.is_some() }
}

/// Marks a file as removed; false if it already was, or never existed.
pub async fn retire(tx: &mut Tx, app: AppId, uuid: &str, now: UnixMillis) -> Result<bool, Error> {
    mark(tx, RETIRE, app, uuid, now).await
}

/// Marks a file as removed if it has expired; otherwise false.
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

/// A change of a file by its owner.
type Step = (&'static str, Option<UnixMillis>);

/// Withdraws a file; false if that user is not its owner, or it was removed.
pub async fn withdraw(tx: &mut Tx, app: AppId, uuid: &str, owner: UserId, now: UnixMillis) -> Result<bool, Error> {
    by_owner(tx, (WITHDRAW, Some(now)), app, uuid, owner).await
}

/// Restores a withdrawn file; false if there is none.
pub async fn restore(tx: &mut Tx, app: AppId, uuid: &str, owner: UserId) -> Result<bool, Error> {
    by_owner(tx, (RESTORE, None), app, uuid, owner).await
}

/// Marks a withdrawn file as removed; false if there is none.
pub async fn retire_withdrawn(
    tx: &mut Tx,
    app: AppId,
    uuid: &str,
    owner: UserId,
    now: UnixMillis,
) -> Result<bool, Error> {
    by_owner(tx, (RETIRE_WITHDRAWN, Some(now)), app, uuid, owner).await
}

async fn by_owner(tx: &mut Tx, (step, now): Step, app: AppId, uuid: &str, owner: UserId) -> Result<bool, Error> {
    let changed = on_tx!(tx, |c| {
        let query = sqlx::query(step).bind(app.0).bind(uuid).bind(owner.0);
        let query = if let Some(now) = now { query.bind(now.0) } else { query };
        query.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(changed > 0)
}

/// Sets until when a file is kept; false if it was removed, or never existed.
pub async fn set_expiry(tx: &mut Tx, app: AppId, uuid: &str, at: Option<UnixMillis>) -> Result<bool, Error> {
    let set = on_tx!(tx, |c| sqlx::query(SET_EXPIRY)
        .bind(app.0)
        .bind(uuid)
        .bind(at.map(|at| at.0))
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(set > 0)
}

/// Up to `limit` expired files of any app, oldest first.
pub async fn expired(db: &Db, now: UnixMillis, limit: i64) -> Result<Vec<(AppId, String)>, Error> {
    let rows: Vec<(i64, String)> = on_db!(db, |c| sqlx::query_as(EXPIRED).bind(now.0).bind(limit).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|(app, uuid)| (AppId(app), uuid)).collect())
}

/// Expires up to `limit` files of an app with uuids above `after`. Returns the last of them; none when there are no
/// more.
pub async fn expire_all(
    db: &Db,
    app: AppId,
    after: &str,
    now: UnixMillis,
    limit: i64,
) -> Result<Option<String>, Error> {
    let uuids: Vec<(String,)> =
        on_db!(db, |c| sqlx::query_as(AFTER).bind(app.0).bind(after).bind(limit).fetch_all(c).await)?;
    let Some((last,)) = uuids.into_iter().last() else { return Ok(None) };
    let mut tx = db.begin().await?;
    on_tx!(&mut tx, |c| sqlx::query(EXPIRE)
        .bind(app.0)
        .bind(after)
        .bind(&last)
        .bind(now.0)
        .execute(c)
        .await
        .map(drop))?;
    tx.commit().await?;
    Ok(Some(last))
}
