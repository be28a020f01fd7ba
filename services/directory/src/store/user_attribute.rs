//! Attributes of users, and how many bytes those of an app take.

use std::sync::LazyLock;

use tidings_domain::{AppId, Error, UserId};
use tidings_store::{Column, Db, Engine, Gather, GatherMany, Kind, ManyRows, Tx, on_tx};

use super::keyed;

/// One range of the primary key per row; see `store::users`. The limit is more than a user can have.
static OF_MANY: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = "a.user_id, a.name, a.value";
    let is_it = "a.app_id = r.app_id and a.user_id = r.user_id";
    let sqlite = format!("select {columns} from r cross join user_attribute a where {is_it}");
    let postgres = format!(
        "select {columns} from r cross join lateral (select * from user_attribute a where {is_it} limit 4096) a"
    );
    let out = ["user_id", "name", "value"];
    GatherMany::per_engine(&keyed::USER, &out, &sqlite, &postgres)
});

static SET: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("user_id", Kind::Int), ("name", Kind::Text), ("value", Kind::Text)];
    ManyRows::new(
        &columns,
        "insert into user_attribute (app_id, user_id, name, value)
        select r.app_id, r.user_id, r.name, r.value from r where true
        on conflict (app_id, user_id, name) do update set value = excluded.value",
    )
});

const DELETE_ALL: &str = "delete from user_attribute where app_id = $1 and user_id = $2";

/// Locks the app's row of totals until the commit.
const ADD_BYTES: &str = "
    insert into user_attribute_total (app_id, bytes) values ($1, $2)
    on conflict (app_id) do update set bytes = user_attribute_total.bytes + excluded.bytes
    returning bytes";

static TOTAL: LazyLock<Gather> = LazyLock::new(|| {
    let query = "select bytes from user_attribute_total where app_id = $1";
    Gather::new(&["bytes"], query)
});

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let fixed = vec![DELETE_ALL.to_owned(), ADD_BYTES.to_owned(), TOTAL.text(engine)];
    [fixed, OF_MANY.texts(engine), SET.texts(engine)].concat()
}

/// Names and values of a user.
pub(crate) type Attributes = Vec<(String, String)>;

/// The attributes of these users, with their users, in any order.
pub(crate) async fn of_many(db: &Db, app: AppId, users: &[UserId]) -> Result<Vec<(UserId, (String, String))>, Error> {
    let found: Vec<(i64, String, String)> = OF_MANY.read(db, &keyed::user_rows(app, users)).await?;
    Ok(found.into_iter().map(|(user, name, value)| (UserId(user), (name, value))).collect())
}

/// The attributes of a locked user.
pub(crate) async fn of_user_in(tx: &mut Tx, app: AppId, user: UserId) -> Result<Attributes, Error> {
    let found: Vec<(i64, String, String)> = OF_MANY.fetch(tx, &keyed::user_rows(app, &[user])).await?;
    Ok(found.into_iter().map(|(_, name, value)| (name, value)).collect())
}

/// Sets attributes of a locked user.
pub(crate) async fn set(tx: &mut Tx, app: AppId, user: UserId, attributes: &[(String, String)]) -> Result<(), Error> {
    let columns = [
        Column::Int(vec![app.0; attributes.len()]),
        Column::Int(vec![user.0; attributes.len()]),
        Column::Text(attributes.iter().map(|(name, _)| Some(name.as_str())).collect()),
        Column::Text(attributes.iter().map(|(_, value)| Some(value.as_str())).collect()),
    ];
    SET.execute(tx, &columns).await
}

pub(crate) async fn delete_all(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(DELETE_ALL).bind(app.0).bind(user.0).execute(c).await.map(drop))
}

/// Adds to the bytes of the app, which may be negative, and returns their number afterwards. The last statement before
/// the version of the app's users: the next one of the app waits until the commit.
pub(crate) async fn add_bytes(tx: &mut Tx, app: AppId, bytes: i64) -> Result<i64, Error> {
    let (total,): (i64,) = on_tx!(tx, |c| sqlx::query_as(ADD_BYTES).bind(app.0).bind(bytes).fetch_one(c).await)?;
    Ok(total)
}

/// The bytes of the app.
pub(crate) async fn total(db: &Db, app: AppId) -> Result<i64, Error> {
    let rows: Vec<(i64,)> = TOTAL.read(db, &[app.0]).await?;
    Ok(rows.first().map_or(0, |(bytes,)| *bytes))
}
