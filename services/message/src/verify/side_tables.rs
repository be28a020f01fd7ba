//! Rows that belong to messages: counts, files, reactions, what is hidden from users.

use tidings_domain::{AppId, Error, Finding};
use tidings_store::Db;

use super::{Report, place, settled};
use crate::store::verify::{self, TABLES};

/// Checks that every such row has its message.
pub async fn check(db: &Db, app: AppId, report: Report<'_>) -> Result<(), Error> {
    for (table, name) in TABLES {
        let mut after = (i64::MIN, i64::MIN, i64::MIN);
        loop {
            let page = verify::side_table(db, app, table, after).await?;
            let before = after;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            if page.iter().all(|(_, found)| *found) {
                continue;
            }
            let look = async || {
                let page = verify::side_table(db, app, table, before).await?;
                let lone = page.into_iter().filter(|(_, found)| !found);
                Ok(lone.map(|((a, b, id), _)| lone_row(app, name, (a, b), id)).collect())
            };
            settled((app, name), look, &mut *report).await?;
        }
    }
    excluded(db, app, report).await
}

fn lone_row(app: AppId, table: &str, key: (i64, i64), msg_id: i64) -> Finding {
    Finding::of_app(app, "orphan", place(key), format!("table {table} names message {msg_id}, which is not as it says"))
}

async fn excluded(db: &Db, app: AppId, report: Report<'_>) -> Result<(), Error> {
    let mut after = (i64::MIN, i64::MIN, i64::MIN, i64::MIN);
    loop {
        let page = verify::excluded(db, app, after).await?;
        let before = after;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = *last;
        if page.iter().all(|(_, found)| *found) {
            continue;
        }
        let look = async || {
            let page = verify::excluded(db, app, before).await?;
            let lone = page.into_iter().filter(|(_, found)| !found);
            Ok(lone.map(|((_, a, b, id), _)| lone_row(app, "excluded", (a, b), id)).collect())
        };
        settled((app, "excluded"), look, &mut *report).await?;
    }
}
