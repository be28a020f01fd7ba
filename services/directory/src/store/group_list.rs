//! The lists of users that a group keeps: its block list and its allow list.

use std::{collections::HashSet, sync::LazyLock};

use tidings_domain::{AppId, Error, Mute, UnixMillis, UserId};
use tidings_store::{Db, Engine, Gather, GatherMany, ManyRows, Tx, on_db, on_tx};

use super::keyed;
use crate::model::group::Member;

/// The statements on one list, which is a table of its own.
pub(crate) struct GroupList {
    insert: ManyRows,
    delete: ManyRows,
    list: Gather,
    count: &'static str,
    forget: &'static str,
}

/// Users who are not allowed to join; they may be inserted again.
pub(crate) static BLOCKED: LazyLock<GroupList> = LazyLock::new(|| GroupList {
    insert: ManyRows::new(
        &keyed::KEY,
        "insert into group_block (app_id, group_id, user_id)
        select r.app_id, r.group_id, r.user_id from r where true
        on conflict (app_id, group_id, user_id) do nothing",
    ),
    delete: keyed::delete_from("group_block"),
    list: Gather::new(
        &["user_id", "username"],
        "
    select b.user_id,
        (select u.username from app_user u where u.app_id = b.app_id and u.user_id = b.user_id) as username
    from group_block b
    where b.app_id = $1 and b.group_id = $2 and b.user_id > $3 order by b.user_id limit $4",
    ),
    count: "select count(*) from group_block where app_id = $1 and group_id = $2",
    forget: "delete from group_block where app_id = $1 and user_id = $2",
});

/// Members who may speak while all are muted; only those who are not on the list are inserted.
pub(crate) static ALLOWED: LazyLock<GroupList> = LazyLock::new(|| GroupList {
    insert: ManyRows::new(
        &keyed::KEY,
        "insert into group_allow (app_id, group_id, user_id) select r.app_id, r.group_id, r.user_id from r",
    ),
    delete: keyed::delete_from("group_allow"),
    list: Gather::new(
        &["user_id", "username"],
        "
    select a.user_id,
        (select u.username from app_user u where u.app_id = a.app_id and u.user_id = a.user_id) as username
    from group_allow a
    where a.app_id = $1 and a.group_id = $2 and a.user_id > $3 order by a.user_id limit $4",
    ),
    count: "select count(*) from group_allow where app_id = $1 and group_id = $2",
    forget: "delete from group_allow where app_id = $1 and user_id = $2",
});

/// Those of the users who are on the allow list. One index lookup per row; see `store::users`.
static AMONG_ALLOWED: LazyLock<GatherMany> = LazyLock::new(|| {
    let is_it = "a.app_id = r.app_id and a.group_id = r.group_id and a.user_id = r.user_id";
    let sqlite = format!("select a.user_id from r cross join group_allow a where {is_it}");
    let postgres =
        format!("select a.user_id from r cross join lateral (select * from group_allow a where {is_it} limit 1) a");
    GatherMany::per_engine(&keyed::KEY, &["user_id"], &sqlite, &postgres)
});

pub(crate) fn all(engine: Engine) -> Vec<String> {
    [BLOCKED.texts(engine), ALLOWED.texts(engine), AMONG_ALLOWED.texts(engine)].concat()
}

impl GroupList {
    fn texts(&self, engine: Engine) -> Vec<String> {
        let fixed = vec![self.count.to_owned(), self.forget.to_owned(), self.list.text(engine)];
        [fixed, self.insert.texts(engine), self.delete.texts(engine)].concat()
    }

    pub(crate) async fn insert(&self, tx: &mut Tx, app: AppId, group: i64, users: &[UserId]) -> Result<(), Error> {
        self.insert.execute(tx, &keyed::rows(app, group, users)).await
    }

    pub(crate) async fn delete(&self, tx: &mut Tx, app: AppId, group: i64, users: &[UserId]) -> Result<(), Error> {
        self.delete.execute(tx, &keyed::rows(app, group, users)).await
    }

    /// Users on the list with ids above `after`, in order of their ids.
    pub(crate) async fn list(
        &self,
        db: &Db,
        app: AppId,
        group: i64,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Member>, Error> {
        let rows: Vec<(i64, Option<String>)> = self.list.read(db, &[app.0, group, after, limit]).await?;
        let listed = |(user, username)| Member {
            user: UserId(user),
            role: None,
            joined_at: UnixMillis(0),
            muted: Mute::No,
            username,
            display_name: String::new(),
        };
        Ok(rows.into_iter().map(listed).collect())
    }

    pub(crate) async fn count(&self, db: &Db, app: AppId, group: i64) -> Result<i64, Error> {
        on_db!(db, |c| sqlx::query_scalar(self.count).bind(app.0).bind(group).fetch_one(c).await)
    }

    /// Removes a user from every group's list.
    pub(crate) async fn forget(&self, tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
        on_tx!(tx, |c| sqlx::query(self.forget).bind(app.0).bind(user.0).execute(c).await.map(drop))
    }
}

/// Those of the users who are on the allow list of a locked group.
pub(crate) async fn among_allowed(
    tx: &mut Tx,
    app: AppId,
    group: i64,
    users: &[UserId],
) -> Result<HashSet<UserId>, Error> {
    let rows: Vec<(i64,)> = AMONG_ALLOWED.fetch(tx, &keyed::rows(app, group, users)).await?;
    Ok(rows.into_iter().map(|(user,)| UserId(user)).collect())
}
