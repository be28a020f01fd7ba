//! Removes the rows of an app, in steps that do not block others.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use tidings_domain::{AppId, Error};

use crate::{Db, Kind, on_tx};

/// Rows per transaction.
const STEP: i64 = 200;
/// The pause between two transactions, so that others get their turn.
const PAUSE: Duration = Duration::from_millis(20);

/// The tables that hold rows of apps.
#[derive(Debug)]
pub struct AppRows {
    statements: Vec<String>,
}

impl AppRows {
    /// Each table with the columns of its primary key after `app_id`, as `conv_a, conv_b`, and the type of the first of
    /// them. They are emptied in this order.
    pub fn new(tables: &[(&str, &str, Kind)]) -> Self {
        let statements = tables.iter().map(|(table, key, kind)| {
            format!(
                "delete from {table} where (app_id, {key}) in (
                    select app_id, {key} from {table} where app_id = $1 and {} order by {key} limit cast($2 as bigint))",
                any_value(key, *kind)
            )
        });
        Self { statements: statements.collect() }
    }

    /// Removes all rows of the app. It may be interrupted and repeated.
    pub async fn remove(&self, db: &Db, app: AppId) -> Result<u64, Error> {
        let mut removed = 0;
        for statement in &self.statements {
            loop {
                let step = step(db, statement, app).await?;
                removed += step;
                if step < STEP.cast_unsigned() {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(removed)
    }

    /// The statements as they are sent, to be prepared by a test.
    pub fn texts(&self) -> Vec<String> {
        self.statements.clone()
    }
}

/// A condition on the first column of the key that every row satisfies.
fn any_value(key: &str, kind: Kind) -> String {
    let first = key.split(',').next().unwrap_or(key);
    match kind {
        // The smallest number; it cannot be written as a literal.
        Kind::Int => format!("{first} >= -9223372036854775807 - 1"),
        Kind::Text => format!("{first} >= ''"),
    }
}

async fn step(db: &Db, statement: &str, app: AppId) -> Result<u64, Error> {
    let mut tx = db.begin().await?;
    let text = AssertSqlSafe(statement.to_owned());
    let removed = on_tx!(&mut tx, |c| sqlx::query(text)
        .bind(app.0)
        .bind(STEP)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    tx.commit().await?;
    Ok(removed)
}
