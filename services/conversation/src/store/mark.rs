//! The marks that users set on conversations.

use std::{collections::HashMap, sync::LazyLock};

use tidings_domain::{AppId, ConversationId, Error, UserId};
use tidings_store::{Column, Db, Gather, GatherMany, Kind, ManyRows, Tx, on_tx, sqlx};

use super::{KEY, columns};

/// The most recently marked first.
static PAGE: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        &["conv_a", "conv_b", "mark_no"],
        "select conv_a, conv_b, mark_no from mark where app_id = $1 and user_id = $2 and mark = $3 and mark_no < $4
         order by mark_no desc limit cast($5 as bigint)",
    )
});

static OF_PLACES: LazyLock<GatherMany> = LazyLock::new(|| {
    GatherMany::new(
        &KEY,
        &["conv_a", "conv_b", "mark"],
        "select m.conv_a, m.conv_b, m.mark from r cross join mark m
         where m.app_id = r.app_id and m.user_id = r.user_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b",
        "",
    )
});

static ADD: LazyLock<ManyRows> = LazyLock::new(|| {
    let [app, user, a, b] = KEY;
    let columns = [app, user, a, b, ("mark", Kind::Int), ("mark_no", Kind::Int)];
    ManyRows::new(
        &columns,
        "insert into mark (app_id, user_id, conv_a, conv_b, mark, mark_no)
         select app_id, user_id, conv_a, conv_b, mark, mark_no from r where true
         on conflict (app_id, user_id, conv_a, conv_b, mark) do nothing",
    )
});

static REMOVE: LazyLock<ManyRows> = LazyLock::new(|| {
    let [app, user, a, b] = KEY;
    let columns = [app, user, a, b, ("mark", Kind::Int)];
    ManyRows::new(
        &columns,
        "delete from mark where (app_id, user_id, conv_a, conv_b, mark) in
            (select app_id, user_id, conv_a, conv_b, mark from r)",
    )
});

const COUNT: &str = "select count(*) from mark where app_id = $1 and user_id = $2 and mark = $3";

pub const ALL: &[&str] = &[COUNT];

/// The lists of this table.
pub fn lists() -> Vec<&'static Gather> {
    vec![&PAGE]
}

/// The lookups in this table.
pub fn lookups() -> Vec<&'static GatherMany> {
    vec![&OF_PLACES]
}

pub fn many() -> Vec<&'static ManyRows> {
    vec![&ADD, &REMOVE]
}

/// A page of the conversations with that mark below a number, with their numbers.
pub async fn page(
    db: &Db,
    (app, user): (AppId, UserId),
    mark: i32,
    below: i64,
    limit: i64,
) -> Result<Vec<(ConversationId, i64)>, Error> {
    let rows: Vec<(i64, i64, i64)> = PAGE.read(db, &[app.0, user.0, mark.into(), below, limit]).await?;
    Ok(rows.into_iter().map(|(a, b, number)| (ConversationId::from_key(a, b), number)).collect())
}

/// The user's marks on these, ascending.
pub async fn of_places(
    db: &Db,
    app: AppId,
    user: UserId,
    places: &[ConversationId],
) -> Result<HashMap<ConversationId, Vec<i32>>, Error> {
    let mut found: HashMap<ConversationId, Vec<i32>> = HashMap::new();
    if places.is_empty() {
        return Ok(found);
    }
    let rows: Vec<(i64, i64, i64)> = OF_PLACES.read(db, &columns(app, user, places)).await?;
    for (a, b, mark) in rows {
        found.entry(ConversationId::from_key(a, b)).or_default().push(mark as i32);
    }
    for marks in found.values_mut() {
        marks.sort_unstable();
    }
    Ok(found)
}

/// Sets a mark on conversations, each with its number; those that have it keep theirs.
pub async fn add(
    tx: &mut Tx,
    (app, user): (AppId, UserId),
    mark: i32,
    places: &[(ConversationId, i64)],
) -> Result<(), Error> {
    let named: Vec<ConversationId> = places.iter().map(|(place, _)| *place).collect();
    let [apps, users, a, b] = columns(app, user, &named);
    let numbers = Column::Int(places.iter().map(|(_, number)| *number).collect());
    ADD.execute(tx, &[apps, users, a, b, Column::Int(vec![mark.into(); places.len()]), numbers]).await
}

/// Removes it from them.
pub async fn remove(
    tx: &mut Tx,
    (app, user): (AppId, UserId),
    mark: i32,
    places: &[ConversationId],
) -> Result<(), Error> {
    let [apps, users, a, b] = columns(app, user, places);
    REMOVE.execute(tx, &[apps, users, a, b, Column::Int(vec![mark.into(); places.len()])]).await
}

/// How many conversations have it.
pub async fn count(tx: &mut Tx, app: AppId, user: UserId, mark: i32) -> Result<i64, Error> {
    let (count,): (i64,) =
        on_tx!(tx, |c| sqlx::query_as(COUNT).bind(app.0).bind(user.0).bind(i64::from(mark)).fetch_one(c).await)?;
    Ok(count)
}
