//! What a room shows to all of its members, by name.

use std::sync::LazyLock;

use tidings_domain::{AppId, Error, UserId};
use tidings_store::{Column, Db, Engine, Gather, GatherMany, Kind, ManyRows, Tx};

use super::keyed;
use crate::model::sharing::RoomAttribute;

const OUT: [&str; 4] = ["name", "value", "owner_id", "json(iif(auto_delete, 'true', 'false'))"];
type Row = (String, String, i64, bool);

static LIST: LazyLock<Gather> = LazyLock::new(|| {
    let query = "
    select name, value, owner_id, auto_delete from room_attribute
    where app_id = $1 and group_id = $2";
    Gather::new(&OUT, query)
});

/// The same in a transaction: the input is one row.
static LIST_IN: LazyLock<GatherMany> = LazyLock::new(|| {
    let query = "
    select a.name, a.value, a.owner_id, a.auto_delete
    from r join room_attribute a on a.app_id = r.app_id and a.group_id = r.group_id";
    GatherMany::new(&keyed::GROUP, &OUT, query, "")
});

static UPSERT: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("group_id", Kind::Int),
        ("name", Kind::Text),
        ("value", Kind::Text),
        ("owner_id", Kind::Int),
        ("auto_delete", Kind::Int),
    ];
    ManyRows::new(
        &columns,
        "insert into room_attribute (app_id, group_id, name, value, owner_id, auto_delete)
        select r.app_id, r.group_id, r.name, r.value, r.owner_id, r.auto_delete <> 0 from r where true
        on conflict (app_id, group_id, name) do update set
            value = excluded.value, owner_id = excluded.owner_id, auto_delete = excluded.auto_delete",
    )
});

static DELETE: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("group_id", Kind::Int), ("name", Kind::Text)];
    ManyRows::per_engine(
        &columns,
        "delete from room_attribute where (app_id, group_id, name) in (select app_id, group_id, name from r)",
        "delete from room_attribute t using r
        where t.app_id = r.app_id and t.group_id = r.group_id and t.name = r.name",
    )
});

/// The owners of the input rows leave their rooms.
static LEAVE: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::per_engine(
        &keyed::KEY,
        "delete from room_attribute where auto_delete and (app_id, group_id, owner_id) in (
            select app_id, group_id, user_id from r) returning group_id, name",
        "delete from room_attribute t using r
        where t.auto_delete and t.app_id = r.app_id and t.group_id = r.group_id and t.owner_id = r.user_id
        returning t.group_id, t.name",
    )
});

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let mut texts = vec![LIST.text(engine)];
    texts.extend(LIST_IN.texts(engine));
    texts.extend([&UPSERT, &DELETE, &LEAVE].into_iter().flat_map(|statement| statement.texts(engine)));
    texts
}

fn attribute((name, value, owner, auto_delete): Row) -> RoomAttribute {
    RoomAttribute { name, value, owner: UserId(owner), auto_delete }
}

/// The attributes of a room, by name.
pub(crate) async fn list(db: &Db, app: AppId, room: i64) -> Result<Vec<RoomAttribute>, Error> {
    let rows: Vec<Row> = LIST.read(db, &[app.0, room]).await?;
    let mut attributes: Vec<_> = rows.into_iter().map(attribute).collect();
    // Here and not in the database, whose order of letters is its own.
    attributes.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(attributes)
}

/// The same in a transaction that locked the room, in any order.
pub(crate) async fn list_in(tx: &mut Tx, app: AppId, room: i64) -> Result<Vec<RoomAttribute>, Error> {
    let rows: Vec<Row> = LIST_IN.fetch(tx, &[Column::Int(vec![app.0]), Column::Int(vec![room])]).await?;
    Ok(rows.into_iter().map(attribute).collect())
}

/// Sets attributes of a room; each name once.
pub(crate) async fn upsert(tx: &mut Tx, app: AppId, room: i64, attributes: &[RoomAttribute]) -> Result<(), Error> {
    let rows = [
        Column::Int(vec![app.0; attributes.len()]),
        Column::Int(vec![room; attributes.len()]),
        Column::Text(attributes.iter().map(|attribute| Some(attribute.name.as_str())).collect()),
        Column::Text(attributes.iter().map(|attribute| Some(attribute.value.as_str())).collect()),
        Column::Int(attributes.iter().map(|attribute| attribute.owner.0).collect()),
        Column::Int(attributes.iter().map(|attribute| attribute.auto_delete.into()).collect()),
    ];
    UPSERT.execute(tx, &rows).await
}

/// Removes attributes of a room.
pub(crate) async fn delete(tx: &mut Tx, app: AppId, room: i64, names: &[&str]) -> Result<(), Error> {
    let rows = [
        Column::Int(vec![app.0; names.len()]),
        Column::Int(vec![room; names.len()]),
        Column::Text(names.iter().map(|name| Some(*name)).collect()),
    ];
    DELETE.execute(tx, &rows).await
}

/// Removes what goes with users who leave rooms: the rooms and names of the attributes, in any order.
pub(crate) async fn leave(tx: &mut Tx, app: AppId, leavers: &[(i64, UserId)]) -> Result<Vec<(i64, String)>, Error> {
    let rows = [
        Column::Int(vec![app.0; leavers.len()]),
        Column::Int(leavers.iter().map(|(room, _)| *room).collect()),
        Column::Int(leavers.iter().map(|(_, user)| user.0).collect()),
    ];
    LEAVE.fetch(tx, &rows).await
}
