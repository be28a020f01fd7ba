//! What SQLite finds when it checks a whole file, with the names of the tables.

use std::collections::HashMap;

use tidings_domain::Error;

use crate::{Db, domain_error};

/// One problem of a database file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The table, or the index; `None` where SQLite does not say.
    pub table: Option<String>,
    /// SQLite's words.
    pub what: String,
}

/// Findings that SQLite lists at most.
const CHECK: &str = "pragma integrity_check(50)";
/// The same of one table with its indexes.
const CHECK_TABLE: &str = "select integrity_check from pragma_integrity_check($1)";
const TREES: &str = "select rootpage, case when type = 'index' then name || ' of ' || tbl_name else name end
    from sqlite_schema where rootpage > 0";

impl Db {
    /// Checks every page and index of a SQLite file; nothing for a server, which has tools of its own.
    pub async fn damages(&self) -> Result<Vec<Damage>, Error> {
        let Self::Sqlite(db) = self else { return Ok(Vec::new()) };
        let trees: sqlx::Result<Vec<(i64, String)>> = sqlx::query_as(TREES).fetch_all(&db.readers).await;
        let checked: sqlx::Result<Vec<(String,)>> = sqlx::query_as(CHECK).fetch_all(&db.readers).await;
        let (trees, lines) = match (trees, checked) {
            (Ok(trees), Ok(lines)) => (trees.into_iter().collect::<HashMap<_, _>>(), lines),
            (Err(error), _) => return unreadable(error, None).map(|damage| vec![damage]),
            (Ok(trees), Err(error)) => {
                let whole = unreadable(error, None)?;
                let mut of_tables = Vec::new();
                for (_, table) in trees.into_iter().filter(|(_, name)| !name.contains(" of ")) {
                    let checked: sqlx::Result<Vec<(String,)>> =
                        sqlx::query_as(CHECK_TABLE).bind(&table).fetch_all(&db.readers).await;
                    if let Err(error) = checked {
                        of_tables.push(unreadable(error, Some(table))?);
                    }
                }
                return Ok(if of_tables.is_empty() { vec![whole] } else { of_tables });
            }
        };
        let lines = lines.into_iter().flat_map(|(text,)| text.lines().map(str::to_owned).collect::<Vec<_>>());
        let lines = lines.filter(|line| line != "ok" && !line.starts_with("***"));
        Ok(lines.map(|line| Damage { table: named(&line, &trees), what: line }).collect())
    }
}

/// What is too damaged to be checked; any other failure is an error.
fn unreadable(error: sqlx::Error, table: Option<String>) -> Result<Damage, Error> {
    match &error {
        sqlx::Error::Database(fault) if crate::error::reason(&error) == tidings_domain::Reason::DataDamaged => {
            Ok(Damage { table, what: fault.message().to_owned() })
        }
        _ => Err(domain_error(error)),
    }
}

/// The table of a line such as `Tree 12 page 45 cell 3: ...`, or `row 5 missing from index message_by_id`.
fn named(line: &str, trees: &HashMap<i64, String>) -> Option<String> {
    if let Some(rest) = line.strip_prefix("Tree ") {
        let root = rest.split(' ').next()?.parse().ok()?;
        return trees.get(&root).cloned();
    }
    let (_, index) = line.split_once(" index ")?;
    let index = index.split([' ', ':']).next()?;
    let of = trees.values().find(|name| name.split(' ').next() == Some(index));
    Some(of.cloned().unwrap_or_else(|| index.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_its_table() {
        let trees = HashMap::from([(12, "message".to_owned()), (13, "message_by_id of message".to_owned())]);
        assert_eq!(named("Tree 12 page 45 cell 3: Rowid 9 out of order", &trees).as_deref(), Some("message"));
        assert_eq!(named("Tree 99 page 1: x", &trees), None);
        let index = named("row 5 missing from index message_by_id", &trees);
        assert_eq!(index.as_deref(), Some("message_by_id of message"));
        assert_eq!(named("Page 7: never used", &trees), None);
    }
}
