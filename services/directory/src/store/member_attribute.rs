//! Attributes of members in one group, by name.

use std::{collections::HashMap, sync::LazyLock};

use tidings_domain::{AppId, Error, UserId};
use tidings_store::{Column, Db, Engine, GatherMany, Kind, ManyRows, Tx, on_tx};

use super::keyed;
use crate::model::sharing::Attribute;

const OUT: [&str; 3] = ["user_id", "name", "value"];

static OF_USERS: LazyLock<GatherMany> = LazyLock::new(|| {
    let query = "
    select a.user_id, a.name, a.value from r join member_attribute a
        on a.app_id = r.app_id and a.group_id = r.group_id and a.user_id = r.user_id";
    GatherMany::new(&keyed::KEY, &OUT, query, "")
});

static UPSERT: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("group_id", Kind::Int),
        ("user_id", Kind::Int),
        ("name", Kind::Text),
        ("value", Kind::Text),
    ];
    ManyRows::new(
        &columns,
        "insert into member_attribute (app_id, group_id, user_id, name, value)
        select r.app_id, r.group_id, r.user_id, r.name, r.value from r where true
        on conflict (app_id, group_id, user_id, name) do update set value = excluded.value",
    )
});

static DELETE: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("group_id", Kind::Int), ("user_id", Kind::Int), ("name", Kind::Text)];
    ManyRows::per_engine(
        &columns,
        "delete from member_attribute where (app_id, group_id, user_id, name) in (
            select app_id, group_id, user_id, name from r)",
        "delete from member_attribute t using r
        where t.app_id = r.app_id and t.group_id = r.group_id and t.user_id = r.user_id and t.name = r.name",
    )
});

static LEAVE: LazyLock<ManyRows> = LazyLock::new(|| keyed::delete_from("member_attribute"));
const FORGET: &str = "delete from member_attribute where app_id = $1 and user_id = $2";

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let mut texts = vec![FORGET.to_owned()];
    texts.extend(OF_USERS.texts(engine));
    texts.extend([&UPSERT, &DELETE, &LEAVE].into_iter().flat_map(|statement| statement.texts(engine)));
    texts
}

/// The attributes of users, by name.
pub(crate) async fn of_users(
    db: &Db,
    app: AppId,
    group: i64,
    users: &[UserId],
) -> Result<HashMap<UserId, Vec<Attribute>>, Error> {
    let rows: Vec<(i64, String, String)> = OF_USERS.read(db, &keyed::rows(app, group, users)).await?;
    Ok(by_user(rows))
}

/// Those of one user, in a transaction that locked the group.
pub(crate) async fn of_user(tx: &mut Tx, app: AppId, group: i64, user: UserId) -> Result<Vec<Attribute>, Error> {
    let rows: Vec<(i64, String, String)> = OF_USERS.fetch(tx, &keyed::rows(app, group, &[user])).await?;
    Ok(by_user(rows).remove(&user).unwrap_or_default())
}

fn by_user(rows: Vec<(i64, String, String)>) -> HashMap<UserId, Vec<Attribute>> {
    let mut found: HashMap<UserId, Vec<Attribute>> = HashMap::new();
    for (user, name, value) in rows {
        found.entry(UserId(user)).or_default().push((name, value));
    }
    // Here and not in the database, whose order of letters is its own.
    for attributes in found.values_mut() {
        attributes.sort_unstable();
    }
    found
}

/// Sets attributes of a member; each name once.
pub(crate) async fn upsert(
    tx: &mut Tx,
    app: AppId,
    group: i64,
    user: UserId,
    attributes: &[&Attribute],
) -> Result<(), Error> {
    let [apps, groups, users] = keyed::rows(app, group, &vec![user; attributes.len()]);
    let names = Column::Text(attributes.iter().map(|(name, _)| Some(name.as_str())).collect());
    let values = Column::Text(attributes.iter().map(|(_, value)| Some(value.as_str())).collect());
    UPSERT.execute(tx, &[apps, groups, users, names, values]).await
}

/// Removes attributes of a member.
pub(crate) async fn delete(tx: &mut Tx, app: AppId, group: i64, user: UserId, names: &[&str]) -> Result<(), Error> {
    let [apps, groups, users] = keyed::rows(app, group, &vec![user; names.len()]);
    let names = Column::Text(names.iter().map(|name| Some(*name)).collect());
    DELETE.execute(tx, &[apps, groups, users, names]).await
}

/// Removes all attributes of users who leave a group.
pub(crate) async fn leave(tx: &mut Tx, app: AppId, group: i64, users: &[UserId]) -> Result<(), Error> {
    LEAVE.execute(tx, &keyed::rows(app, group, users)).await
}

/// Removes a user's attributes in every group.
pub(crate) async fn forget(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(FORGET).bind(app.0).bind(user.0).execute(c).await.map(drop))
}
