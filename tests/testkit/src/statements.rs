//! Checks for every service's store, on both engines.

use tidings_store::{AppRows, Db, Engine, Location, Schema, Tx, on_tx, open, sqlx};

use crate::{fresh_database, postgres_plans};

/// Every statement can be prepared on the engine of the database, and none scans a table on SQLite: neither all of it,
/// nor all rows of an app. `walks` are the tables that are small enough, or are read completely on purpose.
///
/// # Panics
/// When one cannot, or does.
pub async fn assert_all_prepare(schema: &Schema, statements: fn(Engine) -> Vec<String>, walks: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut walking = Vec::new();
    for db in both(schema, folder.path()).await {
        for statement in statements(db.engine()) {
            prepare(&db, statement.clone()).await;
            if db.engine() == Engine::Sqlite {
                walking.append(&mut walks_of(&db, &statement, walks).await);
            }
        }
        if db.engine() == Engine::Postgres {
            walking.append(&mut postgres_plans::walks(&db, statements, walks).await);
        }
    }
    assert!(walking.is_empty(), "{}", walking.join("\n"));
}

/// Tables and columns, with type and nullness, are the same on both engines. Returns them as `table.column type null`.
///
/// # Panics
/// When they differ.
pub async fn assert_same_tables(schema: &Schema) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [sqlite, postgres] = both(schema, folder.path()).await;
    let (sqlite, postgres) = (columns(&sqlite).await, columns(&postgres).await);
    assert_eq!(sqlite, postgres);
    sqlite
}

/// All rows of an app are removed with it, except in the tables in `kept`.
///
/// # Panics
/// If a table with an app's rows is not among those that are emptied.
pub async fn assert_apps_go(schema: &Schema, rows: AppRows, kept: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [sqlite, _] = both(schema, folder.path()).await;
    let emptied = rows.texts().concat();
    for column in columns(&sqlite).await {
        let Some((table, _)) = column.split_once(".app_id ") else { continue };
        let goes = emptied.contains(&format!("delete from {table} "));
        assert!(goes != kept.contains(&table), "{table} goes with an app: {goes}");
    }
}

/// Fresh databases with the schema's tables: SQLite, PostgreSQL.
async fn both(schema: &Schema, folder: &std::path::Path) -> [Db; 2] {
    let postgres = Location::Postgres(fresh_database().await);
    let sqlite = open(&Location::Folder(folder.to_owned()), schema, true).await.expect("SQLite opens");
    [sqlite, open(&postgres, schema, true).await.expect("PostgreSQL opens")]
}

/// A step of a plan is `SEARCH table USING ... (column=? AND ...)`, or `SCAN table` when it reads every row. `p`
/// and `r` are a statement's own input.
async fn walks_of(db: &Db, statement: &str, walks: &[&str]) -> Vec<String> {
    let explain = sqlx::AssertSqlSafe(format!("explain query plan {statement}"));
    let mut tx = db.begin().await.expect("a transaction");
    let Tx::Sqlite(tx) = &mut tx else { unreachable!("plans are SQLite's") };
    let steps: Result<Vec<(i64, i64, i64, String)>, _> = sqlx::query_as(explain).fetch_all(&mut **tx).await;
    let steps = steps.unwrap_or_else(|error| panic!("{statement}\n{error:?}"));
    let walks = steps.into_iter().map(|(_, _, _, step)| step).filter(|step| {
        let table = step.split(' ').nth(1).unwrap_or_default();
        let small = ["p", "r", "CONSTANT"].contains(&table) || walks.contains(&table) || table.parse::<u32>().is_ok();
        let all_rows = step.starts_with("SCAN ") && !step.contains("subquery");
        !small && (all_rows || step.contains("(ANY(") || step.ends_with("(app_id=?)"))
    });
    walks.map(|step| format!("{step}\n{statement}")).collect()
}

async fn prepare(db: &Db, statement: String) {
    use sqlx::{Executor as _, SqlSafeStr as _};
    let mut tx = db.begin().await.expect("a transaction");
    let text = sqlx::AssertSqlSafe(statement.clone()).into_sql_str();
    if let Err(error) = on_tx!(&mut tx, |c| c.prepare(text).await.map(drop)) {
        panic!("{statement}\n{error:?}");
    }
}

/// Columns as `table.column type null`, with the type names of SQLite.
async fn columns(db: &Db) -> Vec<String> {
    const SQLITE: &str = "
        select t.name || '.' || c.name || ' ' || c.type || case c.\"notnull\" when 1 then '' else ' null' end
        from pragma_table_list t, pragma_table_info(t.name) c
        where t.schema = 'main' and t.type = 'table' and t.name not like 'sqlite%' and t.name not like '_sqlx%'";
    const POSTGRES: &str = "
        select table_name || '.' || column_name || ' '
            || case data_type when 'text' then 'TEXT' else 'INTEGER' end
            || case is_nullable when 'NO' then '' else ' null' end
        from information_schema.columns
        where table_schema = current_schema() and table_name not like '\\_sqlx%'";
    let mut tx = db.begin().await.expect("a transaction");
    let statement = if db.engine() == Engine::Sqlite { SQLITE } else { POSTGRES };
    let columns: Result<Vec<String>, _> = on_tx!(&mut tx, |c| sqlx::query_scalar(statement).fetch_all(c).await);
    let mut columns = columns.expect("the catalogue can be read");
    // Sorted by bytes, since the engines' own orders differ.
    columns.sort();
    columns
}
