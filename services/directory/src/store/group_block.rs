//! Block lists of groups: users who may not join.

use std::sync::LazyLock;

use tidings_domain::{AppId, Error, Mute, UnixMillis, UserId};
use tidings_store::{Db, Engine, Gather, ManyRows, Tx, on_db, on_tx};

use super::keyed;
use crate::model::group::Member;

static INSERT: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        &keyed::KEY,
        "insert into group_block (app_id, group_id, user_id)
        select r.app_id, r.group_id, r.user_id from r where true
        on conflict (app_id, group_id, user_id) do nothing",
    )
});

static DELETE: LazyLock<ManyRows> = LazyLock::new(|| keyed::delete_from("group_block"));

static LIST: LazyLock<Gather> = LazyLock::new(|| {
    let query = "
    select b.user_id,
        (select u.username from app_user u where u.app_id = b.app_id and u.user_id = b.user_id) as username
    from group_block b
    where b.app_id = $1 and b.group_id = $2 and b.user_id > $3 order by b.user_id limit $4";
    Gather::new(&["user_id", "username"], query)
});

const COUNT: &str = "select count(*) from group_block where app_id = $1 and group_id = $2";
const FORGET: &str = "delete from group_block where app_id = $1 and user_id = $2";

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let fixed = vec![COUNT.to_owned(), FORGET.to_owned(), LIST.text(engine)];
    [fixed, INSERT.texts(engine), DELETE.texts(engine)].concat()
}

/// Adds users to the list; some may be on it already.
pub(crate) async fn insert(tx: &mut Tx, app: AppId, group: i64, users: &[UserId]) -> Result<(), Error> {
    INSERT.execute(tx, &keyed::rows(app, group, users)).await
}

pub(crate) async fn delete(tx: &mut Tx, app: AppId, group: i64, users: &[UserId]) -> Result<(), Error> {
    DELETE.execute(tx, &keyed::rows(app, group, users)).await
}

/// Blocked users with ids above `after`, in order of their ids.
pub(crate) async fn list(db: &Db, app: AppId, group: i64, after: i64, limit: i64) -> Result<Vec<Member>, Error> {
    let rows: Vec<(i64, Option<String>)> = LIST.read(db, &[app.0, group, after, limit]).await?;
    let blocked = |(user, username)| Member {
        user: UserId(user),
        role: None,
        joined_at: UnixMillis(0),
        muted: Mute::No,
        username,
        display_name: String::new(),
    };
    Ok(rows.into_iter().map(blocked).collect())
}

pub(crate) async fn count(db: &Db, app: AppId, group: i64) -> Result<i64, Error> {
    on_db!(db, |c| sqlx::query_scalar(COUNT).bind(app.0).bind(group).fetch_one(c).await)
}

/// Removes a user from every group's list.
pub(crate) async fn forget(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(FORGET).bind(app.0).bind(user.0).execute(c).await.map(drop))
}
