//! Shared code for the tables whose key is a user, a group, or both: the key as columns of input rows.

use tidings_domain::{AppId, UnixMillis, UserId};
use tidings_store::{Column, Kind, ManyRows};

/// A user.
pub(super) const USER: [(&str, Kind); 2] = [("app_id", Kind::Int), ("user_id", Kind::Int)];

/// Input rows for users.
pub(super) fn user_rows(app: AppId, users: &[UserId]) -> [Column<'static>; 2] {
    [Column::Int(vec![app.0; users.len()]), Column::Int(users.iter().map(|user| user.0).collect())]
}

/// A user and the present time.
pub(super) const USER_NOW: [(&str, Kind); 3] = [("app_id", Kind::Int), ("user_id", Kind::Int), ("now", Kind::Int)];

/// Input rows for users at a time.
pub(super) fn user_rows_now(app: AppId, users: &[UserId], now: UnixMillis) -> [Column<'static>; 3] {
    let [apps, ids] = user_rows(app, users);
    [apps, ids, Column::Int(vec![now.0; users.len()])]
}

/// A group or room.
pub(super) const GROUP: [(&str, Kind); 2] = [("app_id", Kind::Int), ("group_id", Kind::Int)];

/// Input rows for groups.
pub(super) fn group_rows(app: AppId, groups: &[i64]) -> [Column<'static>; 2] {
    [Column::Int(vec![app.0; groups.len()]), Column::Int(groups.to_vec())]
}

/// A group and a user.
pub(super) const KEY: [(&str, Kind); 3] = [("app_id", Kind::Int), ("group_id", Kind::Int), ("user_id", Kind::Int)];

/// Deletes the rows with the keys of the input rows.
pub(super) fn delete_from(table: &str) -> ManyRows {
    let sqlite =
        format!("delete from {table} where (app_id, group_id, user_id) in (select app_id, group_id, user_id from r)");
    let postgres = format!(
        "delete from {table} t using r where t.app_id = r.app_id and t.group_id = r.group_id and t.user_id = r.user_id"
    );
    ManyRows::per_engine(&KEY, &sqlite, &postgres)
}

/// Input rows for users of one group.
pub(super) fn rows(app: AppId, group: i64, users: &[UserId]) -> [Column<'static>; 3] {
    let [apps, ids] = user_rows(app, users);
    [apps, Column::Int(vec![group; users.len()]), ids]
}

/// Input rows for pairs of a user and others.
pub(super) fn pair_rows(app: AppId, user: UserId, others: &[UserId]) -> [Column<'static>; 3] {
    rows(app, user.0, others)
}
