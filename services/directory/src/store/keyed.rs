//! Shared code for the tables whose key is a group and a user.

use tidings_domain::{AppId, UserId};
use tidings_store::{Column, Kind, ManyRows};

/// The key, as the columns of input rows.
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
    let ids = users.iter().map(|user| user.0).collect();
    [Column::Int(vec![app.0; users.len()]), Column::Int(vec![group; users.len()]), Column::Int(ids)]
}
