//! Groups and rooms.

use std::sync::LazyLock;

use tidings_domain::{AppId, Error, GroupKind, UnixMillis, UserId};
use tidings_store::{Column, Db, Engine, Gather, GatherMany, Kind, ManyRows, Tx, on_tx};

use super::{
    group_row::{GroupRow, approval_code},
    keyed,
    shown_file::{self, Holder},
    thread,
};
use crate::model::group::{Group, Part};

macro_rules! columns {
    () => {
        "g.group_id, g.kind, g.owner_id, g.enabled, g.history_visible, g.read_ack, g.mute_all_until,
        g.apply_approval, g.member_invite, g.member_modify, g.public, g.max_members, g.created_at, g.updated_at,
        g.invite_confirm, g.name, g.avatar, g.description, g.custom, g.parent_group_id, g.parent_msg_id"
    };
}

macro_rules! member_count {
    () => {
        "(select count(*) from group_member m where m.app_id = g.app_id and m.group_id = g.group_id) as member_count"
    };
}

const OUT: [&str; 22] = [
    "group_id",
    "kind",
    "owner_id",
    "json(iif(enabled, 'true', 'false'))",
    "json(iif(history_visible, 'true', 'false'))",
    "json(iif(read_ack, 'true', 'false'))",
    "mute_all_until",
    "apply_approval",
    "json(iif(member_invite, 'true', 'false'))",
    "json(iif(member_modify, 'true', 'false'))",
    "json(iif(public, 'true', 'false'))",
    "max_members",
    "created_at",
    "updated_at",
    "json(iif(invite_confirm, 'true', 'false'))",
    "name",
    "avatar",
    "description",
    "custom",
    "parent_group_id",
    "parent_msg_id",
    "member_count",
];

/// The existing groups of the input rows. One index lookup per row; see `store::users`.
fn find_by_id(member_count: &str, postgres_tail: &str) -> GatherMany {
    let columns = columns!();
    let is_it = "g.app_id = r.app_id and g.group_id = r.group_id and g.deleted_at is null";
    let sqlite = format!("select {columns}, {member_count} from r cross join chat_group g where {is_it}");
    let postgres = format!(
        "select {columns}, {member_count}
        from r cross join lateral (select * from chat_group g where {is_it} limit 1 {postgres_tail}) g"
    );
    GatherMany::per_engine(&keyed::GROUP, &OUT, &sqlite, &postgres)
}

static FIND: LazyLock<GatherMany> = LazyLock::new(|| find_by_id(member_count!(), ""));

/// Locks the rows until the transaction ends. Members are not counted here: a statement that waited for a lock sees the
/// other tables as they were before.
static LOCK: LazyLock<GatherMany> = LazyLock::new(|| find_by_id("cast(0 as bigint) as member_count", "for update"));

/// A page of groups by their ids, which alone are read of what the page skips. As in [`find_by_id`], each is then looked
/// up by its key.
macro_rules! page_of {
    (sqlite, $($ids:tt)*) => {
        concat!(
            "select ",
            columns!(),
            ", ",
            member_count!(),
            " from (",
            $($ids)*,
            " order by group_id limit $4 offset $5) p
            cross join chat_group g where g.app_id = $1 and g.group_id = p.group_id order by p.group_id"
        )
    };
    (postgres, $($ids:tt)*) => {
        concat!(
            "select ",
            columns!(),
            ", ",
            member_count!(),
            " from (",
            $($ids)*,
            " order by group_id limit $4 offset $5) p
            cross join lateral (
                select * from chat_group g where g.app_id = $1 and g.group_id = p.group_id limit 1) g
            order by p.group_id"
        )
    };
}

/// The ids of groups of kind `$2`, without threads.
macro_rules! ids {
    ($which:literal) => {
        concat!(
            "select g.group_id from chat_group g
            where g.app_id = $1 and g.kind = $2 and g.group_id > $3 and g.deleted_at is null
              and g.parent_group_id = 0",
            $which
        )
    };
}

/// The ids of those that are public, or that user `$6` is a member of. Both are read by an index, since a list of all
/// groups that leaves out what the user may not see grows with the app.
macro_rules! seen_ids {
    ($own:literal) => {
        concat!(
            "select p.group_id from (select * from (",
            ids!(" and g.public order by g.group_id limit cast($4 as bigint) + cast($5 as bigint)"),
            ") p union all select * from (",
            $own,
            " limit cast($4 as bigint) + cast($5 as bigint)) p) p"
        )
    };
}

static LIST: LazyLock<Gather> =
    LazyLock::new(|| Gather::per_engine(&OUT, page_of!(sqlite, ids!("")), page_of!(postgres, ids!(""))));
static LIST_PUBLIC: LazyLock<Gather> = LazyLock::new(|| {
    let (sqlite, postgres) = (page_of!(sqlite, ids!(" and g.public")), page_of!(postgres, ids!(" and g.public")));
    Gather::per_engine(&OUT, sqlite, postgres)
});
static LIST_SEEN: LazyLock<Gather> = LazyLock::new(|| {
    let sqlite = page_of!(
        sqlite,
        seen_ids!(
            "select g.group_id from group_member m cross join chat_group g
            where m.app_id = $1 and m.user_id = $6 and m.parent_group_id = 0 and m.group_id > $3
              and g.app_id = m.app_id and g.group_id = m.group_id
              and g.kind = $2 and not g.public and g.deleted_at is null
            order by m.group_id"
        )
    );
    let postgres = page_of!(
        postgres,
        seen_ids!(
            "select g.group_id from (
                select m.group_id from group_member m
                where m.app_id = $1 and m.user_id = $6 and m.parent_group_id = 0 and m.group_id > $3
                order by m.group_id) m
            cross join lateral (
                select * from chat_group g
                where g.app_id = $1 and g.group_id = m.group_id
                  and g.kind = $2 and not g.public and g.deleted_at is null
                limit 1) g
            order by m.group_id"
        )
    );
    Gather::per_engine(&OUT, sqlite, postgres)
});

const INSERT: &str = "
    insert into chat_group (
        app_id, group_id, kind, owner_id, enabled, history_visible, read_ack, mute_all_until, apply_approval,
        member_invite, member_modify, public, max_members, created_at, updated_at, name, avatar, description, custom,
        parent_group_id, parent_msg_id, invite_confirm)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)";

const UPDATE: &str = "
    update chat_group set
        enabled = $3, history_visible = $4, read_ack = $5, mute_all_until = $6, apply_approval = $7,
        member_invite = $8, member_modify = $9, public = $10, max_members = $11, updated_at = $12, name = $13,
        avatar = $14, description = $15, custom = $16, invite_confirm = $17
    where app_id = $1 and group_id = $2";

static SET_OWNERS: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("group_id", Kind::Int), ("owner_id", Kind::Int), ("updated_at", Kind::Int)];
    ManyRows::new(
        &columns,
        "update chat_group set owner_id = r.owner_id, updated_at = r.updated_at from r
        where chat_group.app_id = r.app_id and chat_group.group_id = r.group_id",
    )
});

static END: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("group_id", Kind::Int), ("deleted_at", Kind::Int)];
    ManyRows::new(
        &columns,
        "update chat_group set deleted_at = r.deleted_at, updated_at = r.deleted_at from r
        where chat_group.app_id = r.app_id and chat_group.group_id = r.group_id",
    )
});

/// Empties one of the tables whose rows belong to a group.
fn empty(table: &str) -> ManyRows {
    let sqlite = format!("delete from {table} where (app_id, group_id) in (select app_id, group_id from r)");
    let postgres = format!("delete from {table} t using r where t.app_id = r.app_id and t.group_id = r.group_id");
    ManyRows::per_engine(&keyed::GROUP, &sqlite, &postgres)
}

static EMPTY: LazyLock<Vec<ManyRows>> = LazyLock::new(|| {
    [
        "group_member",
        "group_application",
        "group_block",
        "group_allow",
        "group_announcement",
        "group_invitation",
        "group_file",
        "member_attribute",
        "room_attribute",
    ]
    .map(empty)
    .into()
});

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let mut texts = vec![INSERT.to_owned(), UPDATE.to_owned()];
    texts.extend([&LIST, &LIST_PUBLIC, &LIST_SEEN].map(|list| list.text(engine)));
    texts.extend([FIND.texts(engine), LOCK.texts(engine)].concat());
    texts.extend([SET_OWNERS.texts(engine), END.texts(engine)].concat());
    texts.extend(EMPTY.iter().flat_map(|statement| statement.texts(engine)));
    texts
}

/// The existing groups with these ids, in any order.
pub(crate) async fn find(db: &Db, app: AppId, groups: &[i64]) -> Result<Vec<Group>, Error> {
    let rows: Vec<GroupRow> = FIND.read(db, &keyed::group_rows(app, groups)).await?;
    rows.into_iter().map(Group::try_from).collect()
}

/// The same, locked until the transaction ends and without member counts. `groups` ascend, so that there is no
/// deadlock.
pub(crate) async fn lock(tx: &mut Tx, app: AppId, groups: &[i64]) -> Result<Vec<Group>, Error> {
    let rows: Vec<GroupRow> = LOCK.fetch(tx, &keyed::group_rows(app, groups)).await?;
    rows.into_iter().map(Group::try_from).collect()
}

/// Whose list of groups is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Listed {
    /// All groups.
    All,
    /// The public ones.
    Public,
    /// The public ones, and those that the user is a member of.
    To(UserId),
}

/// A part of the existing groups, in order of their ids.
pub(crate) async fn list(
    db: &Db,
    app: AppId,
    kind: GroupKind,
    listed: Listed,
    Part { after, skip, limit }: Part,
) -> Result<Vec<Group>, Error> {
    let page = [app.0, kind.code(), after, limit, skip];
    let rows: Vec<GroupRow> = match listed {
        Listed::All => LIST.read(db, &page).await?,
        Listed::Public => LIST_PUBLIC.read(db, &page).await?,
        Listed::To(user) => LIST_SEEN.read(db, &[app.0, kind.code(), after, limit, skip, user.0]).await?,
    };
    rows.into_iter().map(Group::try_from).collect()
}

pub(crate) async fn insert(tx: &mut Tx, app: AppId, group: &Group) -> Result<(), Error> {
    let settings = &group.settings;
    on_tx!(&mut *tx, |c| sqlx::query(INSERT)
        .bind(app.0)
        .bind(group.id)
        .bind(group.kind.code())
        .bind(group.owner.0)
        .bind(group.enabled)
        .bind(settings.history_visible)
        .bind(settings.read_ack)
        .bind(settings.mute_all.millis())
        .bind(approval_code(settings.apply_approval))
        .bind(settings.member_invite)
        .bind(settings.member_modify)
        .bind(settings.public)
        .bind(settings.max_members)
        .bind(group.created_at.0)
        .bind(group.updated_at.0)
        .bind(&group.name)
        .bind(&group.avatar)
        .bind(&group.description)
        .bind(&settings.custom)
        .bind(group.parent_group)
        .bind(group.parent_msg.0)
        .bind(settings.invite_confirm)
        .execute(c)
        .await
        .map(drop))?;
    shown_file::add(tx, app, Holder::Group(group.id), &texts(group)).await
}

/// The fields of a group that may reference files.
fn texts(group: &Group) -> [&str; 4] {
    [&group.name, &group.avatar, &group.description, &group.settings.custom]
}

/// Writes everything except the owner, who is set by [`set_owners`].
pub(crate) async fn update(tx: &mut Tx, app: AppId, group: &Group) -> Result<(), Error> {
    let settings = &group.settings;
    on_tx!(&mut *tx, |c| sqlx::query(UPDATE)
        .bind(app.0)
        .bind(group.id)
        .bind(group.enabled)
        .bind(settings.history_visible)
        .bind(settings.read_ack)
        .bind(settings.mute_all.millis())
        .bind(approval_code(settings.apply_approval))
        .bind(settings.member_invite)
        .bind(settings.member_modify)
        .bind(settings.public)
        .bind(settings.max_members)
        .bind(group.updated_at.0)
        .bind(&group.name)
        .bind(&group.avatar)
        .bind(&group.description)
        .bind(&settings.custom)
        .bind(settings.invite_confirm)
        .execute(c)
        .await
        .map(drop))?;
    shown_file::replace(tx, app, Holder::Group(group.id), &texts(group)).await
}

/// Sets each group's owner; the members' roles are written elsewhere.
pub(crate) async fn set_owners(
    tx: &mut Tx,
    app: AppId,
    owners: &[(i64, UserId)],
    now: UnixMillis,
) -> Result<(), Error> {
    let [apps, groups] = keyed::group_rows(app, &owners.iter().map(|(group, _)| *group).collect::<Vec<_>>());
    let users = Column::Int(owners.iter().map(|(_, owner)| owner.0).collect());
    SET_OWNERS.execute(tx, &[apps, groups, users, Column::Int(vec![now.0; owners.len()])]).await
}

/// Ends groups and their threads: removes all that belongs to them. The bytes of shared files are released elsewhere.
pub(crate) async fn end(tx: &mut Tx, app: AppId, groups: &[i64], now: UnixMillis) -> Result<(), Error> {
    // Locked before anything is removed, in the order in which who joins one locks it and its group's members.
    let threads = thread::of_groups(tx, app, groups).await?;
    lock(tx, app, &threads).await?;
    let ended = [groups, &threads].concat();
    for statement in EMPTY.iter() {
        statement.execute(tx, &keyed::group_rows(app, &ended)).await?;
    }
    for group in &ended {
        shown_file::remove(tx, app, Holder::Group(*group)).await?;
    }
    let [apps, ids] = keyed::group_rows(app, &ended);
    END.execute(tx, &[apps, ids, Column::Int(vec![now.0; ended.len()])]).await
}
