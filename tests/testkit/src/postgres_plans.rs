//! PostgreSQL's plans of every statement, whatever the tables contained when the plan was made.
//!
//! A plan is made for unknown parameters and kept by the connection, so it is checked as such: on new tables, on filled
//! ones that were not analyzed yet, and on filled ones that were.

use std::collections::HashMap;

use serde_json::Value;
use tidings_store::{
    Db, Engine, Tx,
    sqlx::{self, Row as _},
};

/// Rows per table.
const ROWS: u32 = 20_000;

/// Steps that scan a table, with their statements: scanning a whole table, or all rows of an app, is not allowed. Each
/// input row must use an index. `walks` are tables that are small enough, or are read completely on purpose.
pub(crate) async fn walks(db: &Db, statements: fn(Engine) -> Vec<String>, walks: &[&str]) -> Vec<String> {
    // An index of one column that is the key returns one row, whatever the column is.
    const KEYS: &str = "select indexrelid::regclass::text from pg_index where indisunique and indnkeyatts = 1";
    let keys: Vec<(String,)> = read(db, KEYS).await;
    let keys: Vec<&str> = keys.iter().map(|(key,)| key.as_str()).collect();
    let mut found = Vec::new();
    for state in ["just made", "filled, not analyzed", "filled, analyzed"] {
        match state {
            "just made" => {}
            "filled, not analyzed" => fill(db).await,
            _ => run(db, "analyze").await,
        }
        for statement in statements(Engine::Postgres) {
            let plan = plan(db, &statement).await;
            let mut steps = Vec::new();
            walks_in(&plan, (walks, &keys), &mut steps);
            found.extend(steps.into_iter().map(|step| format!("tables {state}: {step}\n{statement}\n")));
        }
    }
    found
}

/// As every connection makes it once it has used the statement several times.
async fn plan(db: &Db, statement: &str) -> Value {
    let parameters = parameters(statement);
    let nulls = if parameters == 0 { String::new() } else { format!("({})", vec!["null"; parameters].join(", ")) };
    let mut tx = db.begin().await.expect("a transaction");
    let Tx::Postgres(tx) = &mut tx else { unreachable!("plans are PostgreSQL's") };
    let connection = tx.connection().expect("a connection");
    let prepare = format!("set local plan_cache_mode = force_generic_plan; prepare it as {statement}");
    if let Err(error) = sqlx::raw_sql(sqlx::AssertSqlSafe(prepare)).execute(&mut *connection).await {
        panic!("{statement}\n{error:?}");
    }
    let explain = sqlx::AssertSqlSafe(format!("explain (format json) execute it{nulls}"));
    let plan = sqlx::raw_sql(explain).fetch_one(&mut *connection).await;
    let plan: String = plan.unwrap_or_else(|error| panic!("{statement}\n{error:?}")).get_unchecked(0);
    sqlx::raw_sql("deallocate it").execute(connection).await.expect("it was prepared");
    serde_json::from_str(&plan).expect("a plan in JSON")
}

fn parameters(statement: &str) -> usize {
    let numbers = statement.split('$').skip(1).filter_map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<usize>().ok()
    });
    numbers.max().unwrap_or(0)
}

fn walks_in(plan: &Value, (small, keys): (&[&str], &[&str]), found: &mut Vec<String>) {
    match plan {
        Value::Array(plans) => plans.iter().for_each(|plan| walks_in(plan, (small, keys), found)),
        Value::Object(step) => {
            let text = |key: &str| step.get(key).and_then(Value::as_str).unwrap_or_default();
            let table = text("Relation Name");
            let is_read = text("Node Type").ends_with("Scan") && !table.is_empty();
            let conditions = text("Index Cond");
            let by_key = !conditions.is_empty() && keys.contains(&text("Index Name"));
            if is_read && !small.contains(&table) && !by_key && !tells_apart(conditions) {
                found.push(format!("{} of {table} by {} {conditions}", text("Node Type"), text("Index Name")));
            }
            step.values().for_each(|below| walks_in(below, (small, keys), found));
        }
        _ => {}
    }
}

/// Whether the condition on an index selects fewer rows than an app has.
fn tells_apart(conditions: &str) -> bool {
    conditions.split(" AND ").any(|condition| {
        let column = condition.trim_start_matches('(');
        !column.is_empty() && !column.starts_with("app_id ") && !column.starts_with("ROW(app_id")
    })
}

/// Fills every table with rows of a few apps, without regard to references.
async fn fill(db: &Db) {
    const COLUMNS: &str = "
        select table_name::text, column_name::text,
            case when is_nullable = 'YES' and column_name like '%\\_at' then 'absent' else data_type::text end
        from information_schema.columns
        where table_schema = current_schema() and table_name not like '\\_sqlx%' order by table_name, ordinal_position";
    const CHECKS: &str = "
        select conrelid::regclass::text, quote_ident(conname) from pg_constraint
        where contype in ('c', 'f') and connamespace = current_schema()::regnamespace";
    let checks: Vec<(String, String)> = read(db, CHECKS).await;
    for (table, check) in checks {
        run(db, &format!("alter table {table} drop constraint {check}")).await;
    }
    let columns: Vec<(String, String, String)> = read(db, COLUMNS).await;
    let mut tables: HashMap<String, Vec<(String, String)>> = HashMap::new();
    for (table, column, kind) in columns {
        tables.entry(table).or_default().push((column, kind));
    }
    for (table, columns) in tables {
        let names = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let values = columns.iter().map(|(name, kind)| match (name.as_str(), kind.as_str()) {
            ("app_id", _) => "n % 3",
            // Most rows are not deleted, done, gone or recalled.
            (_, "absent") => "null",
            (_, "boolean") => "n % 2 = 0",
            (_, "text") => "md5(n::text)",
            _ => "n",
        });
        let values = values.collect::<Vec<_>>().join(", ");
        let insert = format!(
            "insert into {table} ({names}) overriding system value select {values} from generate_series(1, {ROWS}) n"
        );
        run(db, &format!("{insert} on conflict do nothing")).await;
    }
}

async fn run(db: &Db, statement: &str) {
    let mut tx = db.begin().await.expect("a transaction");
    let Tx::Postgres(inner) = &mut tx else { unreachable!("plans are PostgreSQL's") };
    let connection = inner.connection().expect("a connection");
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(connection).await;
    done.unwrap_or_else(|error| panic!("{statement}\n{error:?}"));
    tx.commit().await.expect("a commit");
}

async fn read<T>(db: &Db, query: &'static str) -> Vec<T>
where
    T: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
{
    let mut tx = db.begin().await.expect("a transaction");
    let Tx::Postgres(tx) = &mut tx else { unreachable!("plans are PostgreSQL's") };
    sqlx::query_as(query).fetch_all(tx.connection().expect("a connection")).await.expect("the catalogue can be read")
}
