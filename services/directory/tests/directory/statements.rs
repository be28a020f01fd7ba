//! The SQL itself: every statement on both engines, and one set of tables.

use tidings_directory::{SCHEMA, statements};
use tidings_store::{Db, on_tx, sqlx};

use crate::suite::{Suite, on_both_engines};

async fn every_statement_can_be_prepared(suite: Suite) {
    let statements = statements(suite.db.engine());
    assert!(statements.len() > 25);
    for statement in statements {
        prepare(&suite.db, statement).await;
    }
}

async fn prepare(db: &Db, statement: String) {
    use sqlx::{Executor as _, SqlSafeStr as _};
    let mut tx = db.begin().await.unwrap();
    let text = sqlx::AssertSqlSafe(statement.clone()).into_sql_str();
    let prepared = on_tx!(&mut tx, |c| c.prepare(text).await.map(drop));
    assert!(prepared.is_ok(), "{statement}\n{:?}", prepared.unwrap_err());
}

async fn migrating_again_changes_nothing(suite: Suite) {
    SCHEMA.migrate(&suite.db).await.unwrap();
}

on_both_engines!(every_statement_can_be_prepared, migrating_again_changes_nothing);

/// Columns as `table.column type null`, in the words of SQLite.
async fn columns(db: &Db) -> Vec<String> {
    const SQLITE: &str = "
        select t.name || '.' || c.name || ' ' || c.type || case c.\"notnull\" when 1 then '' else ' null' end
        from pragma_table_list t, pragma_table_info(t.name) c
        where t.schema = 'main' and t.type = 'table' and t.name not like 'sqlite%' and t.name not like '_sqlx%'
";
    const POSTGRES: &str = "
        select table_name || '.' || column_name || ' '
            || case data_type when 'text' then 'TEXT' else 'INTEGER' end
            || case is_nullable when 'NO' then '' else ' null' end
        from information_schema.columns
        where table_schema = current_schema() and table_name not like '\\_sqlx%'";
    let mut tx = db.begin().await.unwrap();
    let statement = if matches!(db, Db::Sqlite(_)) { SQLITE } else { POSTGRES };
    let mut columns = on_tx!(&mut tx, |c| sqlx::query_scalar(statement).fetch_all(c).await).unwrap();
    columns.sort();
    columns
}

#[tokio::test]
async fn both_engines_have_the_same_tables() {
    let (sqlite, postgres) = (Suite::sqlite().await, Suite::postgres().await);
    let columns_of = [columns(&sqlite.db).await, columns(&postgres.db).await];
    assert!(columns_of[0].contains(&"app_user.username TEXT null".to_owned()));
    assert_eq!(columns_of[0], columns_of[1]);
}
