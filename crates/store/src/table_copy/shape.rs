//! How a table of the target differs from that of the file: flags are numbers in the file, and numbers that the
//! database gives come from a sequence.

use std::collections::HashSet;

use sqlx::{PgConnection, SqliteConnection};
use tidings_domain::Error;

use super::table::Table;
use crate::domain_error;

const COLUMNS: &str = "
    select column_name::text, data_type::text = 'boolean', is_identity::text = 'YES' from information_schema.columns
    where table_schema = current_schema() and table_name = $1";
/// The highest number that the file's table has ever given.
const LAST_GIVEN: &str = "select seq from sqlite_sequence where name = $1";
const GO_ON_AFTER: &str = "select setval(pg_get_serial_sequence($1, $2), $3)";

/// A table of the target.
#[derive(Debug, Default)]
pub struct Shape {
    flags: HashSet<String>,
    /// The column whose numbers come from a sequence.
    given: Option<String>,
}

impl Shape {
    /// The shape of the table with that name.
    pub async fn of(target: &mut PgConnection, table: &Table) -> Result<Self, Error> {
        let mut shape = Self::default();
        let columns: sqlx::Result<Vec<(String, bool, bool)>> =
            sqlx::query_as(COLUMNS).bind(&table.name).fetch_all(target).await;
        for (name, is_flag, is_given) in columns.map_err(domain_error)? {
            if is_flag {
                shape.flags.insert(name.clone());
            }
            if is_given {
                shape.given = Some(name);
            }
        }
        Ok(shape)
    }

    /// The statement that inserts one array for each column of the file's table.
    pub fn insert(&self, table: &Table) -> String {
        let places = 1..=table.columns.len();
        let arrays = table.columns.iter().zip(places.clone());
        let arrays = arrays.map(|(column, n)| format!("${n}::{}[]", if column.is_text { "text" } else { "bigint" }));
        let values = table.columns.iter().zip(places.clone());
        let values =
            values.map(|(column, n)| format!("r.c{n}{}", if self.flags.contains(&column.name) { " <> 0" } else { "" }));
        let columns = places.map(|n| format!("c{n}"));
        let given = if self.given.is_some() { "overriding system value " } else { "" };
        format!(
            "insert into \"{}\" ({}) {given}select {} from unnest({}) as r ({})",
            table.name,
            table.names(),
            values.collect::<Vec<_>>().join(", "),
            arrays.collect::<Vec<_>>().join(", "),
            columns.collect::<Vec<_>>().join(", ")
        )
    }

    /// The statement that reads every row as the file has it.
    pub fn select(&self, table: &Table) -> String {
        let value = |name: &String| {
            let cast = if self.flags.contains(name) { "::integer::bigint" } else { "" };
            format!("\"{name}\"{cast}")
        };
        let values = table.columns.iter().map(|column| value(&column.name)).collect::<Vec<_>>();
        format!("select {} from \"{}\"", values.join(", "), table.name)
    }

    /// Lets the sequence continue where the file's numbers ended: numbers of removed rows are not reused.
    pub async fn go_on(&self, from: &mut SqliteConnection, to: &mut PgConnection, table: &Table) -> Result<(), Error> {
        let Some(column) = &self.given else { return Ok(()) };
        let last: Option<(i64,)> =
            sqlx::query_as(LAST_GIVEN).bind(&table.name).fetch_optional(from).await.map_err(domain_error)?;
        let Some((last,)) = last.filter(|(last,)| *last > 0) else { return Ok(()) };
        let name = format!("\"{}\"", table.name);
        let set = sqlx::query(GO_ON_AFTER).bind(name).bind(column).bind(last).execute(to).await;
        set.map(drop).map_err(domain_error)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::table::Column, *};

    #[test]
    fn flags_and_given_numbers_are_converted() {
        let column = |name: &str, is_text| Column { name: name.to_owned(), is_text, in_key: 0 };
        let columns = vec![column("change_id", false), column("kind", true), column("open", false)];
        let table = Table { name: "change".to_owned(), columns };
        let plain = Shape::default();
        assert_eq!(
            plain.insert(&table),
            "insert into \"change\" (\"change_id\", \"kind\", \"open\") select r.c1, r.c2, r.c3 from \
             unnest($1::bigint[], $2::text[], $3::bigint[]) as r (c1, c2, c3)"
        );
        let shape = Shape { flags: HashSet::from(["open".to_owned()]), given: Some("change_id".to_owned()) };
        assert_eq!(
            shape.insert(&table),
            "insert into \"change\" (\"change_id\", \"kind\", \"open\") overriding system value \
             select r.c1, r.c2, r.c3 <> 0 from unnest($1::bigint[], $2::text[], $3::bigint[]) as r (c1, c2, c3)"
        );
        assert_eq!(shape.select(&table), "select \"change_id\", \"kind\", \"open\"::integer::bigint from \"change\"");
    }
}
