//! Bulk queries on users.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::LazyLock,
};

use tidings_domain::{AppId, Error, UnixMillis, UserId, Username};
use tidings_store::{Column, Db, Engine, GatherMany, Kind, ManyRows, Tx};

use super::{
    keyed,
    user::{UserRow, known_user},
};
use crate::model::{KnownUser, User};

const COLUMNS: [&str; 11] = [
    "user_id",
    "username",
    "uuid",
    "json(iif(registered, 'true', 'false'))",
    "json(iif(enabled, 'true', 'false'))",
    "nickname",
    "created_at",
    "modified_at",
    "password_hash",
    "token_epoch",
    "tokens_void_until",
];

macro_rules! columns {
    () => {
        "u.user_id, u.username, u.uuid, u.registered, u.enabled, u.nickname, u.created_at, u.modified_at,
        u.password_hash, u.token_epoch, u.tokens_void_until"
    };
}

static FIND_BY_IDS: LazyLock<GatherMany> = LazyLock::new(|| by_id(columns!(), &COLUMNS, ""));
/// Locks the rows until the transaction ends.
static LOCK: LazyLock<GatherMany> = LazyLock::new(|| by_id(columns!(), &COLUMNS, "for update"));
/// Serializes transactions about the same users, without blocking those that already hold them.
static QUEUE: LazyLock<GatherMany> = LazyLock::new(|| by_id("u.user_id", &["user_id"], "for no key update"));
/// Keeps the users from being deleted until the transaction ends, and blocks nothing else.
static HOLD: LazyLock<GatherMany> = LazyLock::new(|| by_id("u.user_id", &["user_id"], "for key share"));

/// One primary key lookup per row. PostgreSQL must be forced: a plan made while there were few users scans them all.
/// That is also why the condition on existing users comes last, otherwise it would use the small index of existing
/// names.
fn by_id(columns: &str, out: &[&str], postgres_tail: &str) -> GatherMany {
    living_or_not(columns, out, postgres_tail, "u.deleted_at is null")
}

fn living_or_not(columns: &str, out: &[&str], postgres_tail: &str, which: &str) -> GatherMany {
    let is_it = "u.app_id = r.app_id and u.user_id = r.user_id";
    let sqlite = format!("select {columns} from r cross join app_user u where {is_it} and {which}");
    let postgres = format!(
        "select {columns} from r
        cross join lateral (select * from app_user u where {is_it} limit 1 {postgres_tail}) u
        where {which}"
    );
    GatherMany::per_engine(&keyed::USER, out, &sqlite, &postgres)
}

/// Including deleted users.
static NAMES: LazyLock<GatherMany> =
    LazyLock::new(|| living_or_not("u.user_id, u.username", &["user_id", "username"], "", "u.username is not null"));

static FIND_BY_NAMES: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = columns!();
    let is_it = "u.app_id = r.app_id and u.folded = r.folded and u.deleted_at is null";
    let sqlite = format!("select {columns} from r cross join app_user u where {is_it}");
    let postgres =
        format!("select {columns} from r cross join lateral (select * from app_user u where {is_it} limit 1) u");
    GatherMany::per_engine(&[("app_id", Kind::Int), ("folded", Kind::Text)], &COLUMNS, &sqlite, &postgres)
});

/// The user with that name who was deleted last.
static LAST_DELETED: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = columns!();
    let had_it = "d.app_id = r.app_id and d.folded = r.folded and d.deleted_at is not null
        order by d.deleted_at desc, d.user_id desc limit 1";
    let sqlite = format!(
        "select {columns} from r cross join app_user u
        where u.app_id = r.app_id and u.user_id = (select d.user_id from app_user d where {had_it})"
    );
    let postgres = format!("select {columns} from r cross join lateral (select * from app_user d where {had_it}) u");
    GatherMany::per_engine(&[("app_id", Kind::Int), ("folded", Kind::Text)], &COLUMNS, &sqlite, &postgres)
});

/// Users with that name who were deleted after a time. Within seconds these are few.
static DELETED_SINCE: LazyLock<GatherMany> = LazyLock::new(|| {
    let is_it = "d.app_id = r.app_id and d.folded = r.folded and d.deleted_at is not null and d.deleted_at > r.since";
    let sqlite = format!("select d.user_id from r cross join app_user d where {is_it}");
    let postgres = format!(
        "select d.user_id from r cross join lateral (select d.user_id from app_user d where {is_it} limit 100) d"
    );
    let key = [("app_id", Kind::Int), ("folded", Kind::Text), ("since", Kind::Int)];
    GatherMany::per_engine(&key, &["user_id"], &sqlite, &postgres)
});

/// Names that were registered meanwhile are unchanged.
static INTERN: LazyLock<ManyRows> = LazyLock::new(|| {
    let insert = "
    insert into app_user (
        app_id, user_id, username, folded, uuid, registered, enabled,
        password_hash, nickname, token_epoch, created_at, modified_at)
    select r.app_id, r.user_id, r.username, r.folded, r.uuid, false, true, '', '', 0, r.created_at, r.created_at
    from r where true
    on conflict (app_id, folded) where deleted_at is null do nothing";
    let columns = [
        ("app_id", Kind::Int),
        ("user_id", Kind::Int),
        ("username", Kind::Text),
        ("folded", Kind::Text),
        ("uuid", Kind::Text),
        ("created_at", Kind::Int),
    ];
    ManyRows::new(&columns, insert)
});

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let lookups = [&*FIND_BY_IDS, &*FIND_BY_NAMES, &*LOCK, &*QUEUE, &*HOLD, &*NAMES, &*LAST_DELETED, &*DELETED_SINCE];
    [lookups.map(|statement| statement.texts(engine)).concat(), INTERN.texts(engine)].concat()
}

/// The existing users with these ids, in any order.
pub(crate) async fn find_by_ids(db: &Db, app: AppId, ids: &[UserId]) -> Result<Vec<User>, Error> {
    let rows = keyed::user_rows(app, ids);
    let found: Vec<UserRow> = FIND_BY_IDS.read(db, &rows).await?;
    Ok(found.into_iter().map(|row| known_user(row).user).collect())
}

/// The names of those users, deleted or not, who have one.
pub(crate) async fn names(db: &Db, app: AppId, ids: &[UserId]) -> Result<HashMap<UserId, String>, Error> {
    let rows = keyed::user_rows(app, ids);
    let found: Vec<(i64, String)> = NAMES.read(db, &rows).await?;
    Ok(found.into_iter().map(|(user, name)| (UserId(user), name)).collect())
}

/// The existing user.
pub(crate) async fn find_by_id(db: &Db, app: AppId, user: UserId) -> Result<Option<KnownUser>, Error> {
    let found: Vec<UserRow> = FIND_BY_IDS.read(db, &keyed::user_rows(app, &[user])).await?;
    Ok(found.into_iter().next().map(known_user))
}

/// The existing user, locked until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx, app: AppId, user: UserId) -> Result<Option<KnownUser>, Error> {
    let found: Vec<UserRow> = LOCK.fetch(tx, &keyed::user_rows(app, &[user])).await?;
    Ok(found.into_iter().next().map(known_user))
}

/// Makes transactions about the connections of these users wait for each other, and for those that lock one of them, until
/// this one ends. The rows are locked by ascending app and user, so that such transactions do not deadlock.
pub(crate) async fn queue(tx: &mut Tx, users: &BTreeSet<(AppId, UserId)>) -> Result<(), Error> {
    let rows = [
        Column::Int(users.iter().map(|(app, _)| app.0).collect()),
        Column::Int(users.iter().map(|(_, user)| user.0).collect()),
    ];
    let _: Vec<(i64,)> = QUEUE.fetch(tx, &rows).await?;
    Ok(())
}

/// Those of `users` who exist, and cannot be deleted until the transaction ends. Must be called before groups are
/// locked: deleting a user locks the user first and their groups afterwards.
pub(crate) async fn hold(tx: &mut Tx, app: AppId, users: &[UserId]) -> Result<HashSet<UserId>, Error> {
    let rows = keyed::user_rows(app, users);
    let living: Vec<(i64,)> = HOLD.fetch(tx, &rows).await?;
    Ok(living.into_iter().map(|(user,)| UserId(user)).collect())
}

/// The existing users with these names, in any order.
pub(crate) async fn find_by_names(db: &Db, app: AppId, names: &[&Username]) -> Result<Vec<User>, Error> {
    let found: Vec<UserRow> = FIND_BY_NAMES.read(db, &by_names(app, names)).await?;
    Ok(found.into_iter().map(|row| known_user(row).user).collect())
}

/// The same inside a transaction.
pub(crate) async fn find_by_names_in(tx: &mut Tx, app: AppId, names: &[&Username]) -> Result<Vec<User>, Error> {
    let found: Vec<UserRow> = FIND_BY_NAMES.fetch(tx, &by_names(app, names)).await?;
    Ok(found.into_iter().map(|row| known_user(row).user).collect())
}

/// Of each name the user who had it and was deleted last, where there is one, in any order.
pub(crate) async fn last_deleted(db: &Db, app: AppId, names: &[&Username]) -> Result<Vec<User>, Error> {
    let found: Vec<UserRow> = LAST_DELETED.read(db, &by_names(app, names)).await?;
    Ok(found.into_iter().map(|row| known_user(row).user).collect())
}

/// Who had one of these names and was deleted after `since`.
pub(crate) async fn deleted_since(
    tx: &mut Tx,
    app: AppId,
    names: &[&Username],
    since: UnixMillis,
) -> Result<Vec<UserId>, Error> {
    let [app, folded] = by_names(app, names);
    let since = Column::Int(vec![since.0; names.len()]);
    let found: Vec<(i64,)> = DELETED_SINCE.fetch(tx, &[app, folded, since]).await?;
    Ok(found.into_iter().map(|(user,)| UserId(user)).collect())
}

fn by_names<'a>(app: AppId, names: &[&'a Username]) -> [Column<'a>; 2] {
    [Column::Int(vec![app.0; names.len()]), Column::Text(names.iter().map(|name| Some(name.folded())).collect())]
}

/// Creates unregistered users for `names`, with ids from `first_number` on.
pub(crate) async fn intern(
    tx: &mut Tx,
    app: AppId,
    names: &[&Username],
    first_number: i64,
    uuids: &[String],
    now: UnixMillis,
) -> Result<(), Error> {
    let count = names.len();
    let rows = [
        Column::Int(vec![app.0; count]),
        Column::Int((first_number..).take(count).map(|n| UserId::generated(n).0).collect()),
        Column::Text(names.iter().map(|name| Some(name.written())).collect()),
        Column::Text(names.iter().map(|name| Some(name.folded())).collect()),
        Column::Text(uuids.iter().map(|uuid| Some(uuid.as_str())).collect()),
        Column::Int(vec![now.0; count]),
    ];
    INTERN.execute(tx, &rows).await
}
