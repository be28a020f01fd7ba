//! Members of groups.

use std::{collections::HashSet, sync::LazyLock};

use tidings_domain::{AppId, Error, GroupRole, Mute, UnixMillis, UserId};
use tidings_store::{Column, Db, Engine, Gather, GatherMany, Kind, ManyRows, Tx, on_db, on_tx};

use super::{group_list, keyed, thread};
use crate::model::group::{Member, MemberFilter, Part};

/// Whether users are in a group or on its block list. Role 0: not a member.
static STANDINGS: LazyLock<GatherMany> = LazyLock::new(|| {
    let query = "
    select r.user_id,
        coalesce((select m.role from group_member m
            where m.app_id = r.app_id and m.group_id = r.group_id and m.user_id = r.user_id), 0) as role,
        coalesce((select m.muted_until from group_member m
            where m.app_id = r.app_id and m.group_id = r.group_id and m.user_id = r.user_id), 0) as muted_until,
        (select count(*) from group_block b
            where b.app_id = r.app_id and b.group_id = r.group_id and b.user_id = r.user_id) as blocked
    from r";
    GatherMany::new(&keyed::KEY, &["user_id", "role", "muted_until", "blocked"], query, "")
});

const COUNT: &str = "select count(*) from group_member where app_id = $1 and group_id = $2";
const COUNT_ADMINS: &str = "select count(*) from group_member where app_id = $1 and group_id = $2 and role = 2";
const COUNT_MUTED: &str = "
    select count(*) from group_member
    where app_id = $1 and group_id = $2 and muted_until <> 0 and (muted_until < 0 or muted_until > $3)";

/// The names are looked up for the page only, not for what it skips.
macro_rules! list {
    ($filter:literal) => {
        Gather::new(
            &["user_id", "role", "joined_at", "muted_until", "username", "display_name"],
            concat!(
                "
    select p.user_id, p.role, p.joined_at, p.muted_until,
        (select u.username from app_user u where u.app_id = p.app_id and u.user_id = p.user_id) as username,
        p.display_name
    from (
        select app_id, user_id, role, joined_at, muted_until, display_name from group_member
        where app_id = $1 and group_id = $2 and user_id > $3 ",
                $filter,
                " order by user_id limit $4 offset $5) p
    order by p.user_id"
            ),
        )
    };
}

static LIST: LazyLock<Gather> = LazyLock::new(|| list!(""));
static LIST_ADMINS: LazyLock<Gather> = LazyLock::new(|| list!("and role = 2"));
static LIST_MUTED: LazyLock<Gather> =
    LazyLock::new(|| list!("and muted_until <> 0 and (muted_until < 0 or muted_until > $6)"));

/// Some members, in any order.
static FIND: LazyLock<GatherMany> = LazyLock::new(|| {
    let query = "
    select m.user_id, m.role, m.joined_at, m.muted_until,
        (select u.username from app_user u where u.app_id = m.app_id and u.user_id = m.user_id) as username,
        m.display_name
    from r join group_member m on m.app_id = r.app_id and m.group_id = r.group_id and m.user_id = r.user_id";
    let out = ["user_id", "role", "joined_at", "muted_until", "username", "display_name"];
    GatherMany::new(&keyed::KEY, &out, query, "")
});

static INSERT: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("group_id", Kind::Int),
        ("user_id", Kind::Int),
        ("role", Kind::Int),
        ("joined_at", Kind::Int),
    ];
    ManyRows::new(
        &columns,
        "insert into group_member (app_id, group_id, user_id, role, joined_at, muted_until, parent_group_id)
        select r.app_id, r.group_id, r.user_id, r.role, r.joined_at, 0,
            coalesce((select g.parent_group_id from chat_group g
                where g.app_id = r.app_id and g.group_id = r.group_id), 0)
        from r where true",
    )
});

static DELETE: LazyLock<ManyRows> = LazyLock::new(|| keyed::delete_from("group_member"));

static SET_ROLES: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("group_id", Kind::Int), ("user_id", Kind::Int), ("role", Kind::Int)];
    ManyRows::new(
        &columns,
        "update group_member set role = r.role from r
        where group_member.app_id = r.app_id and group_member.group_id = r.group_id
          and group_member.user_id = r.user_id",
    )
});

/// One statement for both columns: PostgreSQL checks (and locks) the users that a row refers to when it is changed
/// twice in a transaction, which would break the lock order.
static MAKE_OWNERS: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        &keyed::KEY,
        "update group_member set role = 3, muted_until = 0 from r
        where group_member.app_id = r.app_id and group_member.group_id = r.group_id
          and group_member.user_id = r.user_id",
    )
});

static MUTE: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("group_id", Kind::Int), ("user_id", Kind::Int), ("muted_until", Kind::Int)];
    ManyRows::new(
        &columns,
        "update group_member set muted_until = r.muted_until from r
        where group_member.app_id = r.app_id and group_member.group_id = r.group_id
          and group_member.user_id = r.user_id",
    )
});

/// Who becomes owner when user `user_id` is deleted: the longest-standing admin, else the longest-standing member.
static SUCCESSORS: LazyLock<GatherMany> = LazyLock::new(|| {
    let query = "
    select r.group_id,
        coalesce((select m.user_id from group_member m
            where m.app_id = r.app_id and m.group_id = r.group_id and m.user_id <> r.user_id
            order by m.role desc, m.joined_at, m.user_id limit 1), 0) as successor
    from r";
    GatherMany::new(&keyed::KEY, &["group_id", "successor"], query, "")
});

const SOME: &str = "
    select user_id from group_member where app_id = $1 and group_id = $2 order by user_id limit cast($3 as bigint)";

const SET_DISPLAY_NAME: &str = "
    update group_member set display_name = $4
    where app_id = $1 and group_id = $2 and user_id = $3 and display_name <> $4";
const GROUPS_OF: &str = "select group_id from group_member where app_id = $1 and user_id = $2 order by group_id";
const LEAVE_ALL: &str = "delete from group_member where app_id = $1 and user_id = $2";

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let mut texts: Vec<String> =
        [COUNT, COUNT_ADMINS, COUNT_MUTED, SOME, SET_DISPLAY_NAME, GROUPS_OF, LEAVE_ALL].map(str::to_owned).to_vec();
    texts.extend([&LIST, &LIST_ADMINS, &LIST_MUTED].map(|list| list.text(engine)));
    texts.extend([STANDINGS.texts(engine), FIND.texts(engine), SUCCESSORS.texts(engine)].concat());
    texts.extend(
        [&INSERT, &DELETE, &SET_ROLES, &MAKE_OWNERS, &MUTE].into_iter().flat_map(|statement| statement.texts(engine)),
    );
    texts
}

/// A user's relation to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupRelation {
    pub(crate) user: UserId,
    pub(crate) role: Option<GroupRole>,
    /// As it was written: it may have ended.
    pub(crate) muted: Mute,
    /// On the group's block list.
    pub(crate) blocked: bool,
}

/// One relation for each of `users`, in any order.
pub(crate) async fn standings(
    tx: &mut Tx,
    app: AppId,
    group: i64,
    users: &[UserId],
) -> Result<Vec<GroupRelation>, Error> {
    let rows: Vec<(i64, i64, i64, i64)> = STANDINGS.fetch(tx, &keyed::rows(app, group, users)).await?;
    let standing = |(user, role, muted_until, blocked)| GroupRelation {
        user: UserId(user),
        role: GroupRole::from_code(role),
        muted: Mute::from_millis(muted_until),
        blocked: blocked != 0,
    };
    Ok(rows.into_iter().map(standing).collect())
}

/// Those of `users` who are members.
pub(crate) async fn members_of(db: &Db, app: AppId, group: i64, users: &[UserId]) -> Result<HashSet<UserId>, Error> {
    let rows: Vec<(i64, i64, i64, i64)> = STANDINGS.read(db, &keyed::rows(app, group, users)).await?;
    Ok(rows.into_iter().filter(|(_, role, ..)| *role != 0).map(|(user, ..)| UserId(user)).collect())
}

/// The number of members of a group, in a transaction that locked it.
pub(crate) async fn count(tx: &mut Tx, app: AppId, group: i64) -> Result<i64, Error> {
    on_tx!(tx, |c| sqlx::query_scalar(COUNT).bind(app.0).bind(group).fetch_one(c).await)
}

/// The number of members in a list of them, outside a transaction.
pub(crate) async fn count_now(
    db: &Db,
    app: AppId,
    group: i64,
    filter: MemberFilter,
    now: UnixMillis,
) -> Result<i64, Error> {
    match filter {
        MemberFilter::All => on_db!(db, |c| sqlx::query_scalar(COUNT).bind(app.0).bind(group).fetch_one(c).await),
        MemberFilter::Admins => {
            on_db!(db, |c| sqlx::query_scalar(COUNT_ADMINS).bind(app.0).bind(group).fetch_one(c).await)
        }
        MemberFilter::Muted => {
            on_db!(db, |c| sqlx::query_scalar(COUNT_MUTED).bind(app.0).bind(group).bind(now.0).fetch_one(c).await)
        }
    }
}

/// A part of the members, in order of their ids.
pub(crate) async fn list(
    db: &Db,
    app: AppId,
    group: i64,
    filter: MemberFilter,
    Part { after, skip, limit }: Part,
    now: UnixMillis,
) -> Result<Vec<Member>, Error> {
    let page = [app.0, group, after, limit, skip];
    let rows: Vec<MemberRow> = match filter {
        MemberFilter::All => LIST.read(db, &page).await?,
        MemberFilter::Admins => LIST_ADMINS.read(db, &page).await?,
        MemberFilter::Muted => LIST_MUTED.read(db, &[app.0, group, after, limit, skip, now.0]).await?,
    };
    Ok(rows.into_iter().map(member).collect())
}

/// Those of `users` who are members, in any order.
pub(crate) async fn find(db: &Db, app: AppId, group: i64, users: &[UserId]) -> Result<Vec<Member>, Error> {
    let rows: Vec<MemberRow> = FIND.read(db, &keyed::rows(app, group, users)).await?;
    Ok(rows.into_iter().map(member).collect())
}

type MemberRow = (i64, i64, i64, i64, Option<String>, String);

fn member((user, role, joined_at, muted_until, username, display_name): MemberRow) -> Member {
    Member {
        user: UserId(user),
        role: GroupRole::from_code(role),
        joined_at: UnixMillis(joined_at),
        muted: Mute::from_millis(muted_until),
        username,
        display_name,
    }
}

/// Adds users who are not in the group.
pub(crate) async fn insert(
    tx: &mut Tx,
    app: AppId,
    group: i64,
    users: &[(UserId, GroupRole)],
    now: UnixMillis,
) -> Result<(), Error> {
    let [apps, groups, ids] = keyed::rows(app, group, &users.iter().map(|(user, _)| *user).collect::<Vec<_>>());
    let roles = Column::Int(users.iter().map(|(_, role)| role.code()).collect());
    INSERT.execute(tx, &[apps, groups, ids, roles, Column::Int(vec![now.0; users.len()])]).await
}

/// Removes members, also from the allow list, which is one of members, and from the group's threads.
pub(crate) async fn delete(tx: &mut Tx, app: AppId, group: i64, users: &[UserId]) -> Result<(), Error> {
    group_list::ALLOWED.delete(tx, app, group, users).await?;
    DELETE.execute(tx, &keyed::rows(app, group, users)).await?;
    // Afterwards: whoever joins a thread holds their place in the group (`thread::hold_in_parent`).
    thread::leave(tx, app, group, users).await
}

/// Makes members of one group admins, or plain members.
pub(crate) async fn set_roles(
    tx: &mut Tx,
    app: AppId,
    group: i64,
    users: &[UserId],
    role: GroupRole,
) -> Result<(), Error> {
    let [apps, groups, ids] = keyed::rows(app, group, users);
    SET_ROLES.execute(tx, &[apps, groups, ids, Column::Int(vec![role.code(); users.len()])]).await
}

/// Makes one member of each group its owner, and ends their mute.
pub(crate) async fn make_owners(tx: &mut Tx, app: AppId, owners: &[(i64, UserId)]) -> Result<(), Error> {
    let rows = [
        Column::Int(vec![app.0; owners.len()]),
        Column::Int(owners.iter().map(|(group, _)| *group).collect()),
        Column::Int(owners.iter().map(|(_, owner)| owner.0).collect()),
    ];
    MAKE_OWNERS.execute(tx, &rows).await
}

/// Mutes members of one group, or unmutes them.
pub(crate) async fn mute(tx: &mut Tx, app: AppId, group: i64, users: &[UserId], mute: Mute) -> Result<(), Error> {
    let [apps, groups, ids] = keyed::rows(app, group, users);
    MUTE.execute(tx, &[apps, groups, ids, Column::Int(vec![mute.millis(); users.len()])]).await
}

/// Up to `limit` members of a group, in order of their ids, in a transaction that locked it.
pub(crate) async fn some(tx: &mut Tx, app: AppId, group: i64, limit: usize) -> Result<Vec<UserId>, Error> {
    let ids: Vec<i64> =
        on_tx!(tx, |c| sqlx::query_scalar(SOME).bind(app.0).bind(group).bind(limit as i64).fetch_all(c).await)?;
    Ok(ids.into_iter().map(UserId).collect())
}

/// Sets a member's display name; false if nothing changed.
pub(crate) async fn set_display_name(
    tx: &mut Tx,
    app: AppId,
    group: i64,
    user: UserId,
    name: &str,
) -> Result<bool, Error> {
    let changed = on_tx!(tx, |c| sqlx::query(SET_DISPLAY_NAME)
        .bind(app.0)
        .bind(group)
        .bind(user.0)
        .bind(name)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(changed > 0)
}

/// The groups that a user is in, ascending.
pub(crate) async fn groups_of(tx: &mut Tx, app: AppId, user: UserId) -> Result<Vec<i64>, Error> {
    on_tx!(tx, |c| sqlx::query_scalar(GROUPS_OF).bind(app.0).bind(user.0).fetch_all(c).await)
}

/// For each of `groups` the successor of `user`, if there is anybody.
pub(crate) async fn successors(
    tx: &mut Tx,
    app: AppId,
    groups: &[i64],
    user: UserId,
) -> Result<Vec<(i64, Option<UserId>)>, Error> {
    let count = groups.len();
    let rows = [Column::Int(vec![app.0; count]), Column::Int(groups.to_vec()), Column::Int(vec![user.0; count])];
    let found: Vec<(i64, i64)> = SUCCESSORS.fetch(tx, &rows).await?;
    Ok(found.into_iter().map(|(group, user)| (group, Some(UserId(user)).filter(|user| user.0 != 0))).collect())
}

/// Removes a user from every group, and from their allow lists.
pub(crate) async fn leave_all(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    group_list::ALLOWED.forget(tx, app, user).await?;
    on_tx!(tx, |c| sqlx::query(LEAVE_ALL).bind(app.0).bind(user.0).execute(c).await.map(drop))
}
