//! Daily upload counts.

use tidings_domain::{AppId, Error, UserId};
use tidings_store::{Db, Tx, on_db, on_tx, sqlx};

const FIND: &str = "select files, bytes from upload_count where day = $1 and app_id = $2 and user_id = $3";

const ADD: &str = "
    insert into upload_count (day, app_id, user_id, files, bytes) values ($1, $2, $3, 1, $4)
    on conflict (day, app_id, user_id) do update
    set files = upload_count.files + 1, bytes = upload_count.bytes + excluded.bytes
    returning files, bytes";

const FORGET: &str = "delete from upload_count where day < $1";

pub const ALL: &[&str] = &[FIND, ADD, FORGET];

/// The owner and day of a count.
#[derive(Debug, Clone, Copy)]
pub struct Which {
    /// Days since 1970, UTC.
    pub day: i64,
    pub app: AppId,
    /// [`UserId::ADMIN`]: the app and all of its users together.
    pub user: UserId,
}

/// What was uploaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Uploaded {
    pub files: u64,
    pub bytes: u64,
}

impl From<(i64, i64)> for Uploaded {
    fn from((files, bytes): (i64, i64)) -> Self {
        Self { files: files as u64, bytes: bytes as u64 }
    }
}

/// The count so far.
pub async fn find(db: &Db, which: Which) -> Result<Uploaded, Error> {
    let row: Option<(i64, i64)> = on_db!(db, |c| sqlx::query_as(FIND)
        .bind(which.day)
        .bind(which.app.0)
        .bind(which.user.0)
        .fetch_optional(c)
        .await)?;
    Ok(row.map(Uploaded::from).unwrap_or_default())
}

/// Counts a file and returns the new count. The row stays locked until the transaction ends.
pub async fn add(tx: &mut Tx, which: Which, bytes: u64) -> Result<Uploaded, Error> {
    let row: (i64, i64) = on_tx!(tx, |c| sqlx::query_as(ADD)
        .bind(which.day)
        .bind(which.app.0)
        .bind(which.user.0)
        .bind(bytes as i64)
        .fetch_one(c)
        .await)?;
    Ok(row.into())
}

/// Removes the days before that one.
pub async fn forget(tx: &mut Tx, before: i64) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(FORGET).bind(before).execute(c).await.map(drop))
}
