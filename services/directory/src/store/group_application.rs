//! Requests to join a group that wait for an admin.

use std::sync::LazyLock;

use tidings_domain::{AppId, Error, UnixMillis, UserId};
use tidings_store::{Db, Engine, Gather, ManyRows, Tx, on_tx};

use super::keyed;
use crate::model::group::{Application, ApplicationPlace};

/// Applying again changes the text and keeps the position in the queue.
const UPSERT: &str = "
    insert into group_application (app_id, group_id, user_id, made_at, text) values ($1, $2, $3, $4, $5)
    on conflict (app_id, group_id, user_id) do update set text = excluded.text
    where group_application.text <> excluded.text";

static LIST: LazyLock<Gather> = LazyLock::new(|| {
    let query = "
    select user_id, text, made_at from group_application
    where app_id = $1 and group_id = $2 and (made_at, user_id) > ($3, $4) order by made_at, user_id limit $5";
    Gather::new(&["user_id", "text", "made_at"], query)
});

const TAKE: &str = "delete from group_application where app_id = $1 and group_id = $2 and user_id = $3";
static DELETE: LazyLock<ManyRows> = LazyLock::new(|| keyed::delete_from("group_application"));
const FORGET: &str = "delete from group_application where app_id = $1 and user_id = $2";

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let fixed = vec![UPSERT.to_owned(), TAKE.to_owned(), FORGET.to_owned(), LIST.text(engine)];
    [fixed, DELETE.texts(engine)].concat()
}

/// Whether that changed anything.
pub(crate) async fn upsert(
    tx: &mut Tx,
    app: AppId,
    group: i64,
    user: UserId,
    text: &str,
    now: UnixMillis,
) -> Result<bool, Error> {
    let written = on_tx!(tx, |c| sqlx::query(UPSERT)
        .bind(app.0)
        .bind(group)
        .bind(user.0)
        .bind(now.0)
        .bind(text)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(written > 0)
}

/// Oldest first, from the one after `made_at` and `user` on.
pub(crate) async fn list(
    db: &Db,
    app: AppId,
    group: i64,
    (made_at, user): ApplicationPlace,
    limit: i64,
) -> Result<Vec<Application>, Error> {
    let rows: Vec<(i64, String, i64)> = LIST.read(db, &[app.0, group, made_at.0, user.0, limit]).await?;
    let application = |(user, text, made_at)| Application { user: UserId(user), text, made_at: UnixMillis(made_at) };
    Ok(rows.into_iter().map(application).collect())
}

/// Ends a user's application; false when there was none.
pub(crate) async fn take(tx: &mut Tx, app: AppId, group: i64, user: UserId) -> Result<bool, Error> {
    let taken = on_tx!(tx, |c| sqlx::query(TAKE)
        .bind(app.0)
        .bind(group)
        .bind(user.0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(taken > 0)
}

/// Ends the applications of several users, if there are any.
pub(crate) async fn delete(tx: &mut Tx, app: AppId, group: i64, users: &[UserId]) -> Result<(), Error> {
    DELETE.execute(tx, &keyed::rows(app, group, users)).await
}

/// Ends a user's applications to every group.
pub(crate) async fn forget(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(FORGET).bind(app.0).bind(user.0).execute(c).await.map(drop))
}
