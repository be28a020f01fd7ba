//! What one user may do in groups: queried for every message to a group.

use std::sync::LazyLock;

use tidings_domain::{AppId, Error, GroupKind, GroupRole, Membership, Mute, UnixMillis, UserId};
use tidings_store::{Column, Db, Engine, Gather, GatherMany, Kind, row};

use super::keyed;
use crate::model::group::Part;

const OUT: [&str; 11] = [
    "group_id",
    "kind",
    "role",
    "joined_at",
    "muted_until",
    "mute_all_until",
    "json(iif(history_visible, 'true', 'false'))",
    "json(iif(read_ack, 'true', 'false'))",
    "owner_id",
    "json(iif(enabled, 'true', 'false'))",
    "allowed",
];

/// Whether the user of the input row may speak while all are muted; only then is the list looked at, so that other
/// messages do not pay for it.
const ALLOWED: &str = "
        case when g.mute_all_until = 0 then 0 else (
            select count(*) from group_allow a
            where a.app_id = r.app_id and a.group_id = g.group_id and a.user_id = r.user_id) end as allowed";

/// Two primary key lookups per row, and on PostgreSQL nothing else unless all are muted; see `store::users`.
static FIND: LazyLock<GatherMany> = LazyLock::new(|| {
    let select = format!(
        "
    select g.group_id, g.kind, coalesce(m.role, 0) as role, coalesce(m.joined_at, 0) as joined_at,
        coalesce(m.muted_until, 0) as muted_until, g.mute_all_until, g.history_visible, g.read_ack, g.owner_id,
        g.enabled, {ALLOWED}"
    );
    let is_group = "g.app_id = r.app_id and g.group_id = r.group_id and g.deleted_at is null";
    let is_member = "m.app_id = r.app_id and m.group_id = r.group_id and m.user_id = r.user_id";
    let sqlite =
        format!("{select} from r cross join chat_group g left join group_member m on {is_member} where {is_group}");
    let postgres = format!(
        "{select} from r
        cross join lateral (select * from chat_group g where {is_group} limit 1) g
        left join lateral (select * from group_member m where {is_member} limit 1) m on true"
    );
    GatherMany::per_engine(&keyed::KEY, &OUT, &sqlite, &postgres)
});

/// The input is one row. On PostgreSQL too the groups are looked up one by one; see `store::users`.
static JOINED: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = ["app_id", "user_id", "after_id", "kind", "page", "skipped"].map(|name| (name, Kind::Int));
    let select = format!(
        "
    select g.group_id, g.kind, m.role, m.joined_at, m.muted_until, g.mute_all_until, g.history_visible, g.read_ack,
        g.owner_id, g.enabled, {ALLOWED}"
    );
    // Threads are not listed among groups.
    let is_member =
        "m.app_id = r.app_id and m.user_id = r.user_id and m.parent_group_id = 0 and m.group_id > r.after_id";
    let is_group = "g.app_id = r.app_id and g.group_id = m.group_id and g.kind = r.kind and g.deleted_at is null";
    let page = "order by m.group_id limit (select page from r) offset (select skipped from r)";
    let sqlite = format!(
        "{select} from r cross join group_member m cross join chat_group g where {is_member} and {is_group} {page}"
    );
    let postgres = format!(
        "{select} from r
        cross join lateral (select * from group_member m where {is_member} order by m.group_id) m
        cross join lateral (select * from chat_group g where {is_group} limit 1) g
        {page}"
    );
    GatherMany::per_engine(&columns, &OUT, &sqlite, &postgres)
});

/// The groups, rooms and threads of user `$2`. On PostgreSQL too the groups are looked up one by one.
static PLACES: LazyLock<Gather> = LazyLock::new(|| {
    Gather::per_engine(
        &PLACE,
        "
    select g.group_id, g.kind, m.parent_group_id, m.joined_at, g.history_visible
    from group_member m cross join chat_group g
    where m.app_id = $1 and m.user_id = $2
      and g.app_id = $1 and g.group_id = m.group_id and g.deleted_at is null",
        "
    select g.group_id, g.kind, m.parent_group_id, m.joined_at, g.history_visible
    from group_member m
    cross join lateral (
        select * from chat_group g
        where g.app_id = $1 and g.group_id = m.group_id and g.deleted_at is null limit 1) g
    where m.app_id = $1 and m.user_id = $2",
    )
});

const PLACE: [&str; 5] =
    ["group_id", "kind", "parent_group_id", "joined_at", "json(iif(history_visible, 'true', 'false'))"];

/// How many groups of kind `$3` user `$2` is in. On PostgreSQL too the groups are looked up one by one.
macro_rules! count {
    ($role:literal) => {
        Gather::per_engine(
            &["joined"],
            concat!(
                "
    select count(*) as joined from group_member m cross join chat_group g
    where m.app_id = $1 and m.user_id = $2 and m.parent_group_id = 0",
                $role,
                "
      and g.app_id = $1 and g.group_id = m.group_id and g.kind = $3 and g.deleted_at is null"
            ),
            concat!(
                "
    select count(*) as joined from group_member m
    cross join lateral (
        select * from chat_group g
        where g.app_id = $1 and g.group_id = m.group_id and g.kind = $3 and g.deleted_at is null limit 1) g
    where m.app_id = $1 and m.user_id = $2 and m.parent_group_id = 0",
                $role
            ),
        )
    };
}

static COUNT_JOINED: LazyLock<Gather> = LazyLock::new(|| count!(""));
/// Only those that the user owns.
static COUNT_OWNED: LazyLock<Gather> = LazyLock::new(|| count!(" and m.role = 3"));

pub(crate) fn all(engine: Engine) -> Vec<String> {
    [
        FIND.texts(engine),
        JOINED.texts(engine),
        vec![PLACES.text(engine), COUNT_JOINED.text(engine), COUNT_OWNED.text(engine)],
    ]
    .concat()
}

row! {
    struct MembershipRow {
        group_id: i64,
        kind: i64,
        role: i64,
        joined_at: i64,
        muted_until: i64,
        mute_all_until: i64,
        history_visible: bool,
        read_ack: bool,
        owner_id: i64,
        enabled: bool,
        allowed: i64,
    }
}

/// What `user` may do in those of `groups` that exist.
pub(crate) async fn find(
    db: &Db,
    app: AppId,
    user: UserId,
    groups: &[i64],
    now: UnixMillis,
) -> Result<Vec<Membership>, Error> {
    let count = groups.len();
    let rows = [Column::Int(vec![app.0; count]), Column::Int(groups.to_vec()), Column::Int(vec![user.0; count])];
    let found: Vec<MembershipRow> = FIND.read(db, &rows).await?;
    found.into_iter().map(|row| membership(row, user, now)).collect()
}

/// A part of the groups of a kind that `user` is in, in order of their ids.
pub(crate) async fn joined(
    db: &Db,
    app: AppId,
    user: UserId,
    kind: GroupKind,
    Part { after, skip, limit }: Part,
    now: UnixMillis,
) -> Result<Vec<Membership>, Error> {
    let row = [app.0, user.0, after, kind.code(), limit, skip].map(|value| Column::Int(vec![value]));
    let rows: Vec<MembershipRow> = JOINED.read(db, &row).await?;
    rows.into_iter().map(|row| membership(row, user, now)).collect()
}

/// A group, room or thread that a user is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UserPlace {
    pub(crate) group: i64,
    pub(crate) kind: GroupKind,
    pub(crate) is_thread: bool,
    pub(crate) joined_at: UnixMillis,
    pub(crate) history_visible: bool,
}

/// Every group, room and thread that `user` is in, in any order.
pub(crate) async fn places(db: &Db, app: AppId, user: UserId) -> Result<Vec<UserPlace>, Error> {
    let rows: Vec<(i64, i64, i64, i64, bool)> = PLACES.read(db, &[app.0, user.0]).await?;
    let place = |(group, kind, parent, joined_at, history_visible)| {
        let kind = GroupKind::from_code(kind).ok_or_else(|| Error::internal("an unknown kind of group"))?;
        let (is_thread, joined_at) = (parent != 0, UnixMillis(joined_at));
        Ok(UserPlace { group, kind, is_thread, joined_at, history_visible: history_visible || is_thread })
    };
    rows.into_iter().map(place).collect()
}

/// How many groups of a kind `user` is in.
pub(crate) async fn count_joined(db: &Db, app: AppId, user: UserId, kind: GroupKind) -> Result<i64, Error> {
    let counted: Vec<(i64,)> = COUNT_JOINED.read(db, &[app.0, user.0, kind.code()]).await?;
    Ok(counted.first().map_or(0, |(count,)| *count))
}

/// How many groups of a kind `user` owns.
pub(crate) async fn count_owned(db: &Db, app: AppId, user: UserId, kind: GroupKind) -> Result<i64, Error> {
    let counted: Vec<(i64,)> = COUNT_OWNED.read(db, &[app.0, user.0, kind.code()]).await?;
    Ok(counted.first().map_or(0, |(count,)| *count))
}

fn membership(row: MembershipRow, user: UserId, now: UnixMillis) -> Result<Membership, Error> {
    let role = GroupRole::from_code(row.role);
    let speaks_through = role >= Some(GroupRole::Admin) || user == UserId::ADMIN || row.allowed != 0;
    let mute_all = if speaks_through { Mute::No } else { Mute::from_millis(row.mute_all_until).at(now) };
    let muted = Mute::from_millis(row.muted_until).at(now);
    Ok(Membership {
        group: row.group_id,
        kind: GroupKind::from_code(row.kind).ok_or_else(|| Error::internal("an unknown kind of group"))?,
        role,
        joined_at: UnixMillis(row.joined_at),
        muted: muted.stricter(mute_all),
        muted_with_all: !muted.holds(now) && mute_all.holds(now),
        history_visible: row.history_visible,
        read_ack: row.read_ack,
        owner: UserId(row.owner_id),
        enabled: row.enabled,
    })
}
