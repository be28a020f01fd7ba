//! Threads: groups that belong to a message of another group. They are rows of `chat_group` and `group_member`, and in
//! both `parent_group_id` is not 0.

use std::{collections::HashSet, sync::LazyLock};

use tidings_domain::{AppId, Error, MsgId, UnixMillis, UserId};
use tidings_store::{Db, Engine, Gather, GatherMany, ManyRows, Tx, on_tx, row};

use super::{group_row::approval_code, keyed};
use crate::model::group::ApplyApproval;

macro_rules! columns {
    ($place:literal) => {
        concat!(
            "select g.group_id, g.parent_group_id, g.parent_msg_id, g.owner_id, g.created_at, g.name, g.apply_approval, ",
            $place,
            " as place"
        )
    };
}

/// Threads by their ids, and so by when they were created.
macro_rules! by_id {
    ($scope:literal, $id:literal, $than:literal, $order:literal) => {
        Gather::new(
            ThreadRow::COLUMNS,
            concat!(
                columns!("g.group_id"),
                " from chat_group g where g.app_id = $1 and g.parent_group_id <> 0 and g.deleted_at is null and ",
                $scope,
                " and ",
                $id,
                $than,
                "$3 order by ",
                $id,
                $order,
                " limit cast($4 as bigint)"
            ),
        )
    };
}

/// The threads that a user is in, by when they joined. PostgreSQL looks up the threads one by one; see `store::users`.
macro_rules! by_joining {
    ($scope:literal, $than:literal, $order:literal) => {
        Gather::per_engine(
            ThreadRow::COLUMNS,
            concat!(
                columns!("m.joined_at"),
                " from group_member m cross join chat_group g
                where m.app_id = $1 and m.user_id = $2 and m.parent_group_id <> 0 and ",
                $scope,
                " and (m.joined_at, m.group_id) ",
                $than,
                " ($4, $5) and g.app_id = m.app_id and g.group_id = m.group_id
                order by m.joined_at ",
                $order,
                ", m.group_id ",
                $order,
                " limit cast($6 as bigint)"
            ),
            concat!(
                columns!("m.joined_at"),
                " from (
                    select * from group_member m
                    where m.app_id = $1 and m.user_id = $2 and m.parent_group_id <> 0 and ",
                $scope,
                " and (m.joined_at, m.group_id) ",
                $than,
                " ($4, $5)
                    order by m.joined_at ",
                $order,
                ", m.group_id ",
                $order,
                " limit cast($6 as bigint)) m
                cross join lateral (
                    select * from chat_group g where g.app_id = m.app_id and g.group_id = m.group_id limit 1) g
                order by m.joined_at ",
                $order,
                ", m.group_id ",
                $order
            ),
        )
    };
}

/// Oldest first, newest first.
static OF_APP: LazyLock<[Gather; 2]> = LazyLock::new(|| {
    // The sum selects the index that only this list uses.
    [by_id!("$2 = 0", "g.group_id + 0", " > ", " asc"), by_id!("$2 = 0", "g.group_id + 0", " < ", " desc")]
});
static OF_GROUP: LazyLock<[Gather; 2]> = LazyLock::new(|| {
    [
        by_id!("g.parent_group_id = $2", "g.group_id", " > ", " asc"),
        by_id!("g.parent_group_id = $2", "g.group_id", " < ", " desc"),
    ]
});
static OF_USER: LazyLock<[Gather; 2]> =
    LazyLock::new(|| [by_joining!("$3 = 0", ">", "asc"), by_joining!("$3 = 0", "<", "desc")]);
static OF_USER_IN_GROUP: LazyLock<[Gather; 2]> = LazyLock::new(|| {
    [by_joining!("m.parent_group_id = $3", ">", "asc"), by_joining!("m.parent_group_id = $3", "<", "desc")]
});

/// The thread of a message.
const OF_MESSAGE: &str = "
    select group_id from chat_group
    where app_id = $1 and parent_group_id = $2 and parent_msg_id = $3 and parent_group_id <> 0 and deleted_at is null";

/// The first threads of a group.
const FIRST_OF: &str = "
    select group_id from chat_group
    where app_id = $1 and parent_group_id = $2 and parent_group_id <> 0 and deleted_at is null
    order by group_id limit cast($3 as bigint)";

/// On PostgreSQL their places in the group are kept until the transaction ends.
static IN_PARENT: LazyLock<GatherMany> = LazyLock::new(|| {
    let query = "
    select m.user_id from r cross join group_member m
    where m.app_id = r.app_id and m.group_id = r.group_id and m.user_id = r.user_id";
    GatherMany::new(&keyed::KEY, &["user_id"], query, "order by m.user_id for key share of m")
});

static LEAVE: LazyLock<ManyRows> = LazyLock::new(|| {
    let sqlite = "
    delete from group_member where (app_id, group_id, user_id) in (
        select m.app_id, m.group_id, m.user_id from r cross join group_member m
        where m.app_id = r.app_id and m.user_id = r.user_id and m.parent_group_id = r.group_id
          and m.parent_group_id <> 0)";
    let postgres = "
    delete from group_member m using r
    where m.app_id = r.app_id and m.user_id = r.user_id and m.parent_group_id = r.group_id
      and m.parent_group_id <> 0";
    ManyRows::per_engine(&keyed::KEY, sqlite, postgres)
});

/// The threads of groups, ascending. The offset keeps PostgreSQL from reading all threads for each group.
static OF_GROUPS: LazyLock<GatherMany> = LazyLock::new(|| {
    let is_thread = "
    g.app_id = r.app_id and g.parent_group_id = r.group_id and g.parent_group_id <> 0 and g.deleted_at is null";
    let sqlite = format!("select g.group_id from r cross join chat_group g where {is_thread} order by g.group_id");
    let postgres = format!(
        "select g.group_id from r cross join lateral (select * from chat_group g where {is_thread} offset 0) g
        order by g.group_id"
    );
    GatherMany::per_engine(&keyed::GROUP, &["group_id"], &sqlite, &postgres)
});

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let lists = [&OF_APP, &OF_GROUP, &OF_USER, &OF_USER_IN_GROUP];
    let mut texts: Vec<String> = lists.into_iter().flat_map(|list| list.iter()).map(|one| one.text(engine)).collect();
    texts.extend([OF_MESSAGE, FIRST_OF].map(str::to_owned));
    texts.extend([IN_PARENT.texts(engine), OF_GROUPS.texts(engine), LEAVE.texts(engine)].concat());
    texts
}

row! {
    struct ThreadRow {
        group_id: i64,
        parent_group_id: i64,
        parent_msg_id: i64,
        owner_id: i64,
        created_at: i64,
        name: String,
        apply_approval: i64,
        place: i64,
    }
}

/// A thread in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) id: i64,
    pub(crate) group: i64,
    pub(crate) msg: MsgId,
    pub(crate) owner: UserId,
    pub(crate) created_at: UnixMillis,
    pub(crate) name: String,
    /// Only its members see it.
    pub(crate) is_hidden: bool,
    /// Its place in the list, together with its id.
    pub(crate) place: i64,
}

/// Which threads are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of the app.
    App,
    /// Those of a group.
    Group(i64),
    /// Those that a user is in; of one group, or of all (0).
    User(UserId, i64),
}

/// A page of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) oldest_first: bool,
    /// Place and id of the last thread before the page; `None`: it is the first page.
    pub(crate) after: Option<(i64, i64)>,
    pub(crate) limit: i64,
}

pub(crate) async fn list(db: &Db, app: AppId, scope: Scope, range: Range) -> Result<Vec<Listed>, Error> {
    let start = if range.oldest_first { 0 } else { i64::MAX };
    let (place, id) = range.after.unwrap_or((start, start));
    let order = usize::from(!range.oldest_first);
    let rows: Vec<ThreadRow> = match scope {
        Scope::App => OF_APP[order].read(db, &[app.0, 0, id, range.limit]).await?,
        Scope::Group(group) => OF_GROUP[order].read(db, &[app.0, group, id, range.limit]).await?,
        Scope::User(user, 0) => OF_USER[order].read(db, &[app.0, user.0, 0, place, id, range.limit]).await?,
        Scope::User(user, group) => {
            OF_USER_IN_GROUP[order].read(db, &[app.0, user.0, group, place, id, range.limit]).await?
        }
    };
    Ok(rows.into_iter().map(listed).collect())
}

fn listed(row: ThreadRow) -> Listed {
    Listed {
        id: row.group_id,
        group: row.parent_group_id,
        msg: MsgId(row.parent_msg_id),
        owner: UserId(row.owner_id),
        created_at: UnixMillis(row.created_at),
        name: row.name,
        is_hidden: row.apply_approval != approval_code(ApplyApproval::All),
        place: row.place,
    }
}

/// The thread of a message of the locked group.
pub(crate) async fn of_message(tx: &mut Tx, app: AppId, group: i64, msg: MsgId) -> Result<Option<i64>, Error> {
    on_tx!(tx, |c| sqlx::query_scalar(OF_MESSAGE).bind(app.0).bind(group).bind(msg.0).fetch_optional(c).await)
}

/// The first threads of the locked group, ascending.
pub(crate) async fn first_of(tx: &mut Tx, app: AppId, group: i64, limit: i64) -> Result<Vec<i64>, Error> {
    on_tx!(tx, |c| sqlx::query_scalar(FIRST_OF).bind(app.0).bind(group).bind(limit).fetch_all(c).await)
}

/// Those of `users` who are members of a thread's group. They stay members until the transaction ends, so that nobody is
/// in a thread without being in its group.
pub(crate) async fn hold_in_parent(
    tx: &mut Tx,
    app: AppId,
    parent: i64,
    users: &[UserId],
) -> Result<HashSet<UserId>, Error> {
    let members: Vec<(i64,)> = IN_PARENT.fetch(tx, &keyed::rows(app, parent, users)).await?;
    Ok(members.into_iter().map(|(user,)| UserId(user)).collect())
}

/// Removes users from the threads of a group that they are members of no longer.
pub(super) async fn leave(tx: &mut Tx, app: AppId, group: i64, users: &[UserId]) -> Result<(), Error> {
    LEAVE.execute(tx, &keyed::rows(app, group, users)).await
}

/// The threads of groups, ascending.
pub(super) async fn of_groups(tx: &mut Tx, app: AppId, groups: &[i64]) -> Result<Vec<i64>, Error> {
    let rows = keyed::group_rows(app, groups);
    let found: Vec<(i64,)> = OF_GROUPS.fetch(tx, &rows).await?;
    let mut threads: Vec<i64> = found.into_iter().map(|(thread,)| thread).collect();
    // Of several statements on SQLite.
    threads.sort_unstable();
    Ok(threads)
}
