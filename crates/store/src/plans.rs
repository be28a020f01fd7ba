//! Statistics for SQLite's planner.
//!
//! Without statistics SQLite assumes that the first column of an index is highly selective. Ours is nearly always the
//! app, which is not: a plan would scan all of an app's rows instead of using a better index. So each index gets
//! statistics of a large app, and `analyze` is never run over the tables themselves.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, SqlitePool};

/// Rows of every table.
const ROWS: i64 = 1_000_000;
/// By which factor each further column reduces the rows.
const EACH: i64 = 100;

const INDEXES: &str = "
    select t.name, i.name, i.\"unique\", c.name
    from pragma_table_list t, pragma_index_list(t.name) i, pragma_index_info(i.name) c
    where t.schema = 'main' and t.type = 'table' and t.name not like 'sqlite%' and t.name not like '\\_sqlx%' escape '\\'
    order by t.name, i.name, c.seqno";

/// Table and index.
type Index = (String, String);

/// Replaces the statistics; connections that open later read them, and the writer does at once.
pub(crate) async fn set_statistics(writer: &SqlitePool) -> sqlx::Result<()> {
    let rows: Vec<(String, String, bool, Option<String>)> = sqlx::query_as(INDEXES).fetch_all(writer).await?;
    let mut indexes: BTreeMap<Index, (bool, Vec<String>)> = BTreeMap::new();
    for (table, index, unique, column) in rows {
        let entry = indexes.entry((table, index)).or_insert_with(|| (unique, Vec::new()));
        entry.1.push(column.unwrap_or_default());
    }
    let mut tx = writer.begin().await?;
    // Creates the table of statistics if it does not exist.
    sqlx::query("analyze _sqlx_migrations").execute(&mut *tx).await?;
    sqlx::query("delete from sqlite_stat1").execute(&mut *tx).await?;
    for ((table, index), (unique, columns)) in indexes {
        let insert = "insert into sqlite_stat1 (tbl, idx, stat) values ($1, $2, $3)";
        let figures = figures(unique, &columns);
        sqlx::query(AssertSqlSafe(insert)).bind(table).bind(index).bind(figures).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    sqlx::query("analyze sqlite_schema").execute(writer).await.map(drop)
}

/// Rows in total, then how many are left once one, two, ... columns are given.
fn figures(unique: bool, columns: &[String]) -> String {
    let mut left = ROWS;
    let mut text = left.to_string();
    for (place, column) in columns.iter().enumerate() {
        if column != "app_id" {
            left = (left / EACH).max(2);
        }
        if unique && place + 1 == columns.len() {
            left = 1;
        }
        text = format!("{text} {left}");
    }
    // An index is not scanned by skipping through values of a column that is not given.
    format!("{text} noskipscan")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_app_tells_nothing_apart() {
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(figures(true, &columns(&["app_id", "group_id", "user_id"])), "1000000 1000000 10000 1 noskipscan");
        assert_eq!(
            figures(false, &columns(&["app_id", "user_id", "group_id"])),
            "1000000 1000000 10000 100 noskipscan"
        );
        assert_eq!(figures(true, &columns(&["app_id"])), "1000000 1 noskipscan");
    }
}
