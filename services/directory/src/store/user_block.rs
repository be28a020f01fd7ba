//! Users' own block lists.

use std::{collections::HashSet, sync::LazyLock};

use tidings_domain::{AppId, Error, UserId};
use tidings_store::{Column, Db, Engine, Gather, GatherMany, Kind, ManyRows, Tx, on_tx};

use super::keyed;

const KEY: [(&str, Kind); 3] = [("app_id", Kind::Int), ("user_id", Kind::Int), ("blocked_id", Kind::Int)];

static INSERT: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        &KEY,
        "insert into user_block (app_id, user_id, blocked_id) select r.app_id, r.user_id, r.blocked_id from r where true
        on conflict (app_id, user_id, blocked_id) do nothing",
    )
});
static DELETE: LazyLock<ManyRows> = LazyLock::new(|| {
    let sqlite = "
    delete from user_block where (app_id, user_id, blocked_id) in (select app_id, user_id, blocked_id from r)";
    let postgres = "
    delete from user_block b using r
    where b.app_id = r.app_id and b.user_id = r.user_id and b.blocked_id = r.blocked_id";
    ManyRows::per_engine(&KEY, sqlite, postgres)
});
/// There are at most as many as the policy allows.
const COUNT: &str = "select count(*) from user_block where app_id = $1 and user_id = $2";

static LIST: LazyLock<Gather> = LazyLock::new(|| {
    let query = "
    select blocked_id from user_block
    where app_id = $1 and user_id = $2 and blocked_id > $3 order by blocked_id limit $4";
    Gather::new(&["blocked_id"], query)
});

/// Users who have blocked one.
static BLOCKING: LazyLock<GatherMany> = LazyLock::new(|| rows_of("user_id"));
/// Users whom one has blocked.
static AMONG: LazyLock<GatherMany> = LazyLock::new(|| rows_of("blocked_id"));

/// One primary key lookup per row; see `store::users`.
fn rows_of(column: &str) -> GatherMany {
    let is_it = "b.app_id = r.app_id and b.user_id = r.user_id and b.blocked_id = r.blocked_id";
    let sqlite = format!("select b.{column} from r cross join user_block b where {is_it}");
    let postgres =
        format!("select b.{column} from r cross join lateral (select * from user_block b where {is_it} limit 1) b");
    GatherMany::per_engine(&KEY, &[column], &sqlite, &postgres)
}

const FORGET_LIST: &str = "delete from user_block where app_id = $1 and user_id = $2";
const FORGET_BLOCKED: &str = "delete from user_block where app_id = $1 and blocked_id = $2";

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let fixed = [COUNT, FORGET_LIST, FORGET_BLOCKED].map(str::to_owned).to_vec();
    let many = [INSERT.texts(engine), DELETE.texts(engine), BLOCKING.texts(engine), AMONG.texts(engine)].concat();
    [fixed, vec![LIST.text(engine)], many].concat()
}

/// Adds `blocked` to the list of `user`.
pub(crate) async fn insert(tx: &mut Tx, app: AppId, user: UserId, blocked: &[UserId]) -> Result<(), Error> {
    INSERT.execute(tx, &keyed::pair_rows(app, user, blocked)).await
}

/// Removes `blocked` from the list of `user`.
pub(crate) async fn delete(tx: &mut Tx, app: AppId, user: UserId, blocked: &[UserId]) -> Result<(), Error> {
    DELETE.execute(tx, &keyed::pair_rows(app, user, blocked)).await
}

/// How many users are on the list of `user`.
pub(crate) async fn count(tx: &mut Tx, app: AppId, user: UserId) -> Result<i64, Error> {
    on_tx!(tx, |c| sqlx::query_scalar(COUNT).bind(app.0).bind(user.0).fetch_one(c).await)
}

/// The users that `user` has blocked, with ids above `after`, ascending.
pub(crate) async fn list(db: &Db, app: AppId, user: UserId, after: i64, limit: i64) -> Result<Vec<UserId>, Error> {
    let rows: Vec<(i64,)> = LIST.read(db, &[app.0, user.0, after, limit]).await?;
    Ok(rows.into_iter().map(|(blocked,)| UserId(blocked)).collect())
}

/// Those of `others` that `user` has blocked.
pub(crate) async fn among(tx: &mut Tx, app: AppId, user: UserId, others: &[UserId]) -> Result<HashSet<UserId>, Error> {
    let found: Vec<(i64,)> = AMONG.fetch(tx, &keyed::pair_rows(app, user, others)).await?;
    Ok(found.into_iter().map(|(blocked,)| UserId(blocked)).collect())
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
