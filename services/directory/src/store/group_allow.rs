//! Allow lists of groups: members who may speak while all are muted.

use std::{collections::HashSet, sync::LazyLock};

use tidings_domain::{AppId, Error, Mute, UnixMillis, UserId};
use tidings_store::{Db, Engine, Gather, GatherMany, ManyRows, Tx, on_db, on_tx};

use super::keyed;
use crate::model::group::Member;

/// Those of the users who are on the list. One index lookup per row; see `store::users`.
static AMONG: LazyLock<GatherMany> = LazyLock::new(|| {
    let is_it = "a.app_id = r.app_id and a.group_id = r.group_id and a.user_id = r.user_id";
    let sqlite = format!("select a.user_id from r cross join group_allow a where {is_it}");
    let postgres =
        format!("select a.user_id from r cross join lateral (select * from group_allow a where {is_it} limit 1) a");
    GatherMany::per_engine(&keyed::KEY, &["user_id"], &sqlite, &postgres)
});

static INSERT: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        &keyed::KEY,
        "insert into group_allow (app_id, group_id, user_id) select r.app_id, r.group_id, r.user_id from r",
    )
});

static DELETE: LazyLock<ManyRows> = LazyLock::new(|| keyed::delete_from("group_allow"));

static LIST: LazyLock<Gather> = LazyLock::new(|| {
    let query = "
    select a.user_id,
        (select u.username from app_user u where u.app_id = a.app_id and u.user_id = a.user_id) as username
    from group_allow a
    where a.app_id = $1 and a.group_id = $2 and a.user_id > $3 order by a.user_id limit $4";
    Gather::new(&["user_id", "username"], query)
});

const COUNT: &str = "select count(*) from group_allow where app_id = $1 and group_id = $2";
const FORGET: &str = "delete from group_allow where app_id = $1 and user_id = $2";

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let fixed = vec![COUNT.to_owned(), FORGET.to_owned(), LIST.text(engine)];
    [fixed, AMONG.texts(engine), INSERT.texts(engine), DELETE.texts(engine)].concat()
}

/// Those of the users who are on the list of a locked group.
pub(crate) async fn among(tx: &mut Tx, app: AppId, group: i64, users: &[UserId]) -> Result<HashSet<UserId>, Error> {
    let rows: Vec<(i64,)> = AMONG.fetch(tx, &keyed::rows(app, group, users)).await?;
    Ok(rows.into_iter().map(|(user,)| UserId(user)).collect())
}

/// Adds members who are not on the list.
pub(crate) async fn insert(tx: &mut Tx, app: AppId, group: i64, users: &[UserId]) -> Result<(), Error> {
    INSERT.execute(tx, &keyed::rows(app, group, users)).await
}

pub(crate) async fn delete(tx: &mut Tx, app: AppId, group: i64, users: &[UserId]) -> Result<(), Error> {
    DELETE.execute(tx, &keyed::rows(app, group, users)).await
}

/// Members on the list with ids above `after`, in order of their ids.
pub(crate) async fn list(db: &Db, app: AppId, group: i64, after: i64, limit: i64) -> Result<Vec<Member>, Error> {
    let rows: Vec<(i64, Option<String>)> = LIST.read(db, &[app.0, group, after, limit]).await?;
    let allowed = |(user, username)| Member {
        user: UserId(user),
        role: None,
        joined_at: UnixMillis(0),
        muted: Mute::No,
        username,
        display_name: String::new(),
    };
    Ok(rows.into_iter().map(allowed).collect())
}

pub(crate) async fn count(db: &Db, app: AppId, group: i64) -> Result<i64, Error> {
    on_db!(db, |c| sqlx::query_scalar(COUNT).bind(app.0).bind(group).fetch_one(c).await)
}

/// Removes a user from every group's list.
pub(crate) async fn forget(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(FORGET).bind(app.0).bind(user.0).execute(c).await.map(drop))
}
