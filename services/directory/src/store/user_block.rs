//! Users' own block lists.

use std::sync::LazyLock;

use tidings_domain::{AppId, Error, UserId};
use tidings_store::{Column, Db, Engine, Gather, GatherMany, Kind, Tx, on_tx};

const INSERT: &str = "
    insert into user_block (app_id, user_id, blocked_id) values ($1, $2, $3)
    on conflict (app_id, user_id, blocked_id) do nothing";
const DELETE: &str = "delete from user_block where app_id = $1 and user_id = $2 and blocked_id = $3";

static LIST: LazyLock<Gather> = LazyLock::new(|| {
    let query = "
    select blocked_id from user_block
    where app_id = $1 and user_id = $2 and blocked_id > $3 order by blocked_id limit $4";
    Gather::new(&["blocked_id"], query)
});

/// One primary key lookup per row; see `store::users`.
static BLOCKING: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("user_id", Kind::Int), ("blocked_id", Kind::Int)];
    let is_it = "b.app_id = r.app_id and b.user_id = r.user_id and b.blocked_id = r.blocked_id";
    let sqlite = format!("select b.user_id from r cross join user_block b where {is_it}");
    let postgres =
        format!("select b.user_id from r cross join lateral (select * from user_block b where {is_it} limit 1) b");
    GatherMany::per_engine(&columns, &["user_id"], &sqlite, &postgres)
});

const FORGET_LIST: &str = "delete from user_block where app_id = $1 and user_id = $2";
const FORGET_BLOCKED: &str = "delete from user_block where app_id = $1 and blocked_id = $2";

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let fixed = [INSERT, DELETE, FORGET_LIST, FORGET_BLOCKED].map(str::to_owned).to_vec();
    [fixed, vec![LIST.text(engine)], BLOCKING.texts(engine)].concat()
}

/// Adds `blocked` to the list of `user`; false when they were on it.
pub(crate) async fn insert(tx: &mut Tx, app: AppId, user: UserId, blocked: UserId) -> Result<bool, Error> {
    run(tx, INSERT, app, user, blocked).await
}

/// Removes `blocked` from the list of `user`; false when they were not on it.
pub(crate) async fn delete(tx: &mut Tx, app: AppId, user: UserId, blocked: UserId) -> Result<bool, Error> {
    run(tx, DELETE, app, user, blocked).await
}

async fn run(tx: &mut Tx, statement: &'static str, app: AppId, user: UserId, blocked: UserId) -> Result<bool, Error> {
    let changed = on_tx!(tx, |c| sqlx::query(statement)
        .bind(app.0)
        .bind(user.0)
        .bind(blocked.0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(changed > 0)
}

/// The users that `user` has blocked, with ids above `after`, ascending.
pub(crate) async fn list(db: &Db, app: AppId, user: UserId, after: i64, limit: i64) -> Result<Vec<UserId>, Error> {
    let rows: Vec<(i64,)> = LIST.read(db, &[app.0, user.0, after, limit]).await?;
    Ok(rows.into_iter().map(|(blocked,)| UserId(blocked)).collect())
}

/// Those of `by` that have blocked `sender`.
pub(crate) async fn blocking(db: &Db, app: AppId, sender: UserId, by: &[UserId]) -> Result<Vec<UserId>, Error> {
    let rows = [
        Column::Int(vec![app.0; by.len()]),
        Column::Int(by.iter().map(|user| user.0).collect()),
        Column::Int(vec![sender.0; by.len()]),
    ];
    let found: Vec<(i64,)> = BLOCKING.read(db, &rows).await?;
    Ok(found.into_iter().map(|(user,)| UserId(user)).collect())
}

/// Empties the user's list, and removes the user from all others.
pub(crate) async fn forget(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    for statement in [FORGET_LIST, FORGET_BLOCKED] {
        on_tx!(&mut *tx, |c| sqlx::query(statement).bind(app.0).bind(user.0).execute(c).await.map(drop))?;
    }
    Ok(())
}
