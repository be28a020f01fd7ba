//! How many contacts users have. A total is locked before anything changes in the relations of its user, so changes of one
//! user wait for each other, and no call counts a list.

use std::{collections::HashMap, sync::LazyLock};

use tidings_domain::{AppId, Error, UserId};
use tidings_store::{Column, Engine, GatherMany, Kind, ManyRows, Tx};

use super::keyed;

static ENSURE: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        &keyed::USER,
        "insert into contact_total (app_id, user_id, contacts)
        select r.app_id, r.user_id, 0 from r where true order by r.user_id
        on conflict (app_id, user_id) do nothing",
    )
});

/// One primary key lookup per row, in the order of the input; see `store::users`.
static LOCK: LazyLock<GatherMany> = LazyLock::new(|| {
    let is_it = "t.app_id = r.app_id and t.user_id = r.user_id";
    let sqlite = format!("select t.user_id, t.contacts from r cross join contact_total t where {is_it}");
    let postgres = format!(
        "select t.user_id, t.contacts from r
        cross join lateral (select * from contact_total t where {is_it} limit 1 for update) t"
    );
    GatherMany::per_engine(&keyed::USER, &["user_id", "contacts"], &sqlite, &postgres)
});

static ADD: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        &[("app_id", Kind::Int), ("user_id", Kind::Int), ("change", Kind::Int)],
        "update contact_total set contacts = contact_total.contacts + r.change from r
        where contact_total.app_id = r.app_id and contact_total.user_id = r.user_id",
    )
});

pub(crate) fn all(engine: Engine) -> Vec<String> {
    [ENSURE.texts(engine), LOCK.texts(engine), ADD.texts(engine)].concat()
}

/// The number of contacts of each of `users`, whose totals are locked until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx, app: AppId, users: &[UserId]) -> Result<HashMap<UserId, i64>, Error> {
    let mut ids: Vec<i64> = users.iter().map(|user| user.0).collect();
    ids.sort_unstable();
    ids.dedup();
    let rows = [Column::Int(vec![app.0; ids.len()]), Column::Int(ids)];
    ENSURE.execute(tx, &rows).await?;
    let found: Vec<(i64, i64)> = LOCK.fetch(tx, &rows).await?;
    Ok(found.into_iter().map(|(user, contacts)| (UserId(user), contacts)).collect())
}

/// Adds to totals that are locked.
pub(crate) async fn add(tx: &mut Tx, app: AppId, changes: &[(UserId, i64)]) -> Result<(), Error> {
    let rows = [
        Column::Int(vec![app.0; changes.len()]),
        Column::Int(changes.iter().map(|(user, _)| user.0).collect()),
        Column::Int(changes.iter().map(|(_, change)| *change).collect()),
    ];
    ADD.execute(tx, &rows).await
}
