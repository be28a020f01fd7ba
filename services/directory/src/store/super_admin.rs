//! Users who may create rooms with their own token.

use std::sync::LazyLock;

use tidings_domain::{AppId, Error, UnixMillis, UserId};
use tidings_store::{Db, Engine, Gather, Tx, on_db, on_tx};

const ADD: &str = "
    insert into super_admin (app_id, user_id, made_at) values ($1, $2, $3)
    on conflict (app_id, user_id) do nothing";
const REMOVE: &str = "delete from super_admin where app_id = $1 and user_id = $2";
const IS_ONE: &str = "select count(*) from super_admin where app_id = $1 and user_id = $2";

static LIST: LazyLock<Gather> = LazyLock::new(|| {
    let query = "
    select s.user_id,
        coalesce((select u.username from app_user u where u.app_id = s.app_id and u.user_id = s.user_id), '')
            as username
    from super_admin s where s.app_id = $1 and s.user_id > $2 order by s.user_id limit $3";
    Gather::new(&["user_id", "username"], query)
});

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let mut texts = [ADD, REMOVE, IS_ONE].map(str::to_owned).to_vec();
    texts.push(LIST.text(engine));
    texts
}

/// False if the user was one before.
pub(crate) async fn add(tx: &mut Tx, app: AppId, user: UserId, now: UnixMillis) -> Result<bool, Error> {
    let added = on_tx!(tx, |c| sqlx::query(ADD)
        .bind(app.0)
        .bind(user.0)
        .bind(now.0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(added > 0)
}

/// False if the user was none.
pub(crate) async fn remove(tx: &mut Tx, app: AppId, user: UserId) -> Result<bool, Error> {
    let removed =
        on_tx!(tx, |c| sqlx::query(REMOVE).bind(app.0).bind(user.0).execute(c).await.map(|done| done.rows_affected()))?;
    Ok(removed > 0)
}

pub(crate) async fn is_one(db: &Db, app: AppId, user: UserId) -> Result<bool, Error> {
    let count: i64 = on_db!(db, |c| sqlx::query_scalar(IS_ONE).bind(app.0).bind(user.0).fetch_one(c).await)?;
    Ok(count > 0)
}

/// Super admins with ids above `after`, in order of their ids, and their names.
pub(crate) async fn list(db: &Db, app: AppId, after: i64, limit: i64) -> Result<Vec<(UserId, String)>, Error> {
    let rows: Vec<(i64, String)> = LIST.read(db, &[app.0, after, limit]).await?;
    Ok(rows.into_iter().map(|(user, name)| (UserId(user), name)).collect())
}
