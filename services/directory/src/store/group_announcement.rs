//! Announcements of groups.

use std::sync::LazyLock;

use tidings_domain::{AppId, Error, UnixMillis, UserId};
use tidings_store::{Db, Engine, Gather, Tx, on_db, on_tx};

use crate::model::group::Announcement;

/// How many announcements of a group are kept.
const KEPT: i64 = 100;

const NEWEST: &str = "
    select announcement_id, author_id, made_at, title, text from group_announcement
    where app_id = $1 and group_id = $2 order by announcement_id desc limit 1";
const FIND: &str = "
    select announcement_id, author_id, made_at, title, text from group_announcement
    where app_id = $1 and group_id = $2 and announcement_id = $3";
const DELETE: &str = "delete from group_announcement where app_id = $1 and group_id = $2 and announcement_id = $3";

/// Newest first, those before number `$3`.
static LIST: LazyLock<Gather> = LazyLock::new(|| {
    let query = "
    select announcement_id, author_id, made_at, title, text from group_announcement
    where app_id = $1 and group_id = $2 and announcement_id < $3 order by announcement_id desc limit $4";
    Gather::new(&["announcement_id", "author_id", "made_at", "title", "text"], query)
});

const NEWEST_ID: &str = "
    select coalesce(max(announcement_id), 0) from group_announcement where app_id = $1 and group_id = $2";
const INSERT: &str = "
    insert into group_announcement (app_id, group_id, announcement_id, author_id, made_at, title, text)
    values ($1, $2, $3, $4, $5, $6, $7)";
const TRIM: &str = "delete from group_announcement where app_id = $1 and group_id = $2 and announcement_id <= $3";

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let mut texts = [NEWEST, FIND, DELETE, NEWEST_ID, INSERT, TRIM].map(str::to_owned).to_vec();
    texts.push(LIST.text(engine));
    texts
}

type Row = (i64, i64, i64, String, String);

fn announcement(group: i64, (id, author, made_at, title, text): Row) -> Announcement {
    Announcement { group, id, author: UserId(author), made_at: UnixMillis(made_at), title, text }
}

/// The one with that number.
pub(crate) async fn find(db: &Db, app: AppId, group: i64, id: i64) -> Result<Option<Announcement>, Error> {
    let row: Option<Row> =
        on_db!(db, |c| sqlx::query_as(FIND).bind(app.0).bind(group).bind(id).fetch_optional(c).await)?;
    Ok(row.map(|row| announcement(group, row)))
}

/// Those with numbers below `before`, newest first.
pub(crate) async fn list(db: &Db, app: AppId, group: i64, before: i64, limit: i64) -> Result<Vec<Announcement>, Error> {
    let rows: Vec<Row> = LIST.read(db, &[app.0, group, before, limit]).await?;
    Ok(rows.into_iter().map(|row| announcement(group, row)).collect())
}

/// Removes one of a locked group; false if there is none.
pub(crate) async fn delete(tx: &mut Tx, app: AppId, group: i64, id: i64) -> Result<bool, Error> {
    let deleted = on_tx!(tx, |c| sqlx::query(DELETE)
        .bind(app.0)
        .bind(group)
        .bind(id)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(deleted > 0)
}

/// The newest one.
pub(crate) async fn newest(db: &Db, app: AppId, group: i64) -> Result<Option<Announcement>, Error> {
    let row: Option<Row> = on_db!(db, |c| sqlx::query_as(NEWEST).bind(app.0).bind(group).fetch_optional(c).await)?;
    Ok(row.map(|row| announcement(group, row)))
}

/// Adds one to a locked group, with the next number, which is returned. The oldest go.
pub(crate) async fn insert(tx: &mut Tx, app: AppId, new: &Announcement) -> Result<i64, Error> {
    let newest: i64 =
        on_tx!(&mut *tx, |c| sqlx::query_scalar(NEWEST_ID).bind(app.0).bind(new.group).fetch_one(c).await)?;
    let id = newest + 1;
    on_tx!(&mut *tx, |c| sqlx::query(INSERT)
        .bind(app.0)
        .bind(new.group)
        .bind(id)
        .bind(new.author.0)
        .bind(new.made_at.0)
        .bind(&new.title)
        .bind(&new.text)
        .execute(c)
        .await
        .map(drop))?;
    on_tx!(tx, |c| sqlx::query(TRIM).bind(app.0).bind(new.group).bind(id - KEPT).execute(c).await.map(drop))?;
    Ok(id)
}
