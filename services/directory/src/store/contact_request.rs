//! Pending contact requests.

use std::sync::LazyLock;

use tidings_domain::{AppId, Error, UnixMillis, UserId};
use tidings_store::{Column, Db, Engine, Gather, Kind, ManyRows, Tx, on_tx};

use crate::model::contact::ContactRequest;

const FIND: &str = "
    select made_at, text, remark from contact_request where app_id = $1 and user_id = $2 and from_id = $3";
const UPSERT: &str = "
    insert into contact_request (app_id, user_id, from_id, made_at, text, remark) values ($1, $2, $3, $4, $5, $6)
    on conflict (app_id, user_id, from_id)
    do update set made_at = excluded.made_at, text = excluded.text, remark = excluded.remark";
const TAKE: &str = "delete from contact_request where app_id = $1 and user_id = $2 and from_id = $3";
/// Those made at `$3` or before.
const DELETE_EXPIRED: &str = "delete from contact_request where app_id = $1 and user_id = $2 and made_at <= $3";
/// There are at most as many as may wait.
const COUNT: &str = "select count(*) from contact_request where app_id = $1 and user_id = $2";

/// Requests made after `$4`.
static LIST: LazyLock<Gather> = LazyLock::new(|| {
    let query = "
    select q.from_id, q.made_at, q.text,
        (select u.username from app_user u where u.app_id = q.app_id and u.user_id = q.from_id) as username
    from contact_request q
    where q.app_id = $1 and q.user_id = $2 and q.from_id > $3 and q.made_at > $4 order by q.from_id limit $5";
    Gather::new(&["from_id", "made_at", "text", "username"], query)
});

static DELETE: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("user_id", Kind::Int), ("from_id", Kind::Int)];
    let sqlite = "
    delete from contact_request where (app_id, user_id, from_id) in (select app_id, user_id, from_id from r)";
    let postgres = "
    delete from contact_request t using r
    where t.app_id = r.app_id and t.user_id = r.user_id and t.from_id = r.from_id";
    ManyRows::per_engine(&columns, sqlite, postgres)
});

const FORGET_ASKED: &str = "delete from contact_request where app_id = $1 and user_id = $2";
const FORGET_MADE: &str = "delete from contact_request where app_id = $1 and from_id = $2";

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let fixed = [FIND, UPSERT, TAKE, DELETE_EXPIRED, COUNT, FORGET_ASKED, FORGET_MADE];
    [fixed.map(str::to_owned).to_vec(), vec![LIST.text(engine)], DELETE.texts(engine)].concat()
}

/// A request as it is stored: when it was made, its text, and the asking user's remark.
pub(crate) type Waiting = (UnixMillis, String, String);

/// The request of `from` to `user`, expired or not.
pub(crate) async fn find(tx: &mut Tx, app: AppId, user: UserId, from: UserId) -> Result<Option<Waiting>, Error> {
    let found: Option<(i64, String, String)> =
        on_tx!(tx, |c| sqlx::query_as(FIND).bind(app.0).bind(user.0).bind(from.0).fetch_optional(c).await)?;
    Ok(found.map(|(made_at, text, remark)| (UnixMillis(made_at), text, remark)))
}

/// Adds the request of `from` to `user`, or replaces it.
pub(crate) async fn upsert(
    tx: &mut Tx,
    app: AppId,
    user: UserId,
    from: UserId,
    (made_at, text, remark): (UnixMillis, &str, &str),
) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(UPSERT)
        .bind(app.0)
        .bind(user.0)
        .bind(from.0)
        .bind(made_at.0)
        .bind(text)
        .bind(remark)
        .execute(c)
        .await
        .map(drop))
}

/// Ends the request of `from` to `user`; false when there was none.
pub(crate) async fn take(tx: &mut Tx, app: AppId, user: UserId, from: UserId) -> Result<bool, Error> {
    let taken = on_tx!(tx, |c| sqlx::query(TAKE)
        .bind(app.0)
        .bind(user.0)
        .bind(from.0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(taken > 0)
}

/// How many requests wait for `user`, after those made at `expired` or before are deleted.
pub(crate) async fn count_waiting(tx: &mut Tx, app: AppId, user: UserId, expired: UnixMillis) -> Result<i64, Error> {
    on_tx!(&mut *tx, |c| sqlx::query(DELETE_EXPIRED)
        .bind(app.0)
        .bind(user.0)
        .bind(expired.0)
        .execute(c)
        .await
        .map(drop))?;
    on_tx!(tx, |c| sqlx::query_scalar(COUNT).bind(app.0).bind(user.0).fetch_one(c).await)
}

/// Requests to `user` that were made after `expired`, by users with ids above `after`, in order of their ids.
pub(crate) async fn list(
    db: &Db,
    app: AppId,
    user: UserId,
    (after, limit): (i64, i64),
    expired: UnixMillis,
) -> Result<Vec<ContactRequest>, Error> {
    let rows: Vec<(i64, i64, String, Option<String>)> =
        LIST.read(db, &[app.0, user.0, after, expired.0, limit]).await?;
    let request = |(from, made_at, text, username): (_, _, _, Option<String>)| ContactRequest {
        from: UserId(from),
        username: username.unwrap_or_default(),
        text,
        made_at: UnixMillis(made_at),
    };
    Ok(rows.into_iter().map(request).collect())
}

/// Ends the requests of `from` to `user`, if there are any.
pub(crate) async fn take_all(tx: &mut Tx, app: AppId, user: UserId, from: &[UserId]) -> Result<(), Error> {
    let rows = [
        Column::Int(vec![app.0; from.len()]),
        Column::Int(vec![user.0; from.len()]),
        Column::Int(from.iter().map(|from| from.0).collect()),
    ];
    DELETE.execute(tx, &rows).await
}

/// Ends all requests between `user` and `others`.
pub(crate) async fn settle(tx: &mut Tx, app: AppId, user: UserId, others: &[UserId]) -> Result<(), Error> {
    let (own, their) = (others.iter().map(|_| user.0), others.iter().map(|other| other.0));
    let rows = [
        Column::Int(vec![app.0; 2 * others.len()]),
        Column::Int(own.clone().chain(their.clone()).collect()),
        Column::Int(their.chain(own).collect()),
    ];
    DELETE.execute(tx, &rows).await
}

/// Ends the requests to a user who is deleted, and those that they made.
pub(crate) async fn forget(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    for statement in [FORGET_ASKED, FORGET_MADE] {
        on_tx!(&mut *tx, |c| sqlx::query(statement).bind(app.0).bind(user.0).execute(c).await.map(drop))?;
    }
    Ok(())
}
