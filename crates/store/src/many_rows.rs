//! One statement over any number of rows.
//!
//! PostgreSQL gets every column as an array (`unnest`), so there is one statement text. SQLite gets plain parameters
//! in a `values` list that comes in a few sizes; rows that are not bound are null and filtered out. Either way few
//! statement texts exist, each is prepared once a connection, and no value passes through JSON.

use sqlx::{
    AssertSqlSafe, FromRow, Postgres, Sqlite,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};
use tidings_domain::Error;

use crate::{Db, Tx, domain_error};

/// Rows that one SQLite statement takes at most; see [`ManyRows::new`].
const SIZES: [usize; 5] = [1, 8, 64, 256, 1024];

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `bigint`, never null.
    Int,
    /// `text`, may be null.
    Text,
}

/// The values of one column, one for each row.
#[derive(Debug)]
pub enum Column<'a> {
    /// See [`Kind::Int`].
    Int(Vec<i64>),
    /// See [`Kind::Text`].
    Text(Vec<Option<&'a str>>),
}

impl Column<'_> {
    const fn len(&self) -> usize {
        match self {
            Self::Int(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }
}

/// A statement that reads its input rows from a table `r`.
#[derive(Debug)]
pub struct ManyRows {
    postgres: String,
    sqlite: [String; SIZES.len()],
}

impl ManyRows {
    /// `statement` selects from `r`, whose columns are `columns`; the first must be an integer. What only PostgreSQL
    /// knows (row locks) goes into `postgres_tail`.
    pub fn new(columns: &[(&str, Kind)], statement: &str, postgres_tail: &str) -> Self {
        let names = columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let arrays = columns.iter().enumerate().map(|(i, (_, kind))| match kind {
            Kind::Int => format!("${}::bigint[]", i + 1),
            Kind::Text => format!("${}::text[]", i + 1),
        });
        let arrays = arrays.collect::<Vec<_>>().join(", ");
        let postgres = format!("with r({names}) as (select * from unnest({arrays})) {statement} {postgres_tail}");
        let first = columns[0].0;
        let sqlite = SIZES.map(|size| {
            let values = values_list(size, columns.len());
            format!(
                "with p({names}) as (values {values}), r as (select * from p where {first} is not null) {statement}"
            )
        });
        Self { postgres, sqlite }
    }

    /// Runs it and drops what it returns.
    pub async fn execute(&self, tx: &mut Tx, rows: &[Column<'_>]) -> Result<(), Error> {
        match tx {
            Tx::Sqlite(tx) => {
                for (text, arguments) in self.sqlite_chunks(rows) {
                    sqlx::query_with(AssertSqlSafe(text), arguments).execute(&mut **tx).await.map_err(domain_error)?;
                }
            }
            Tx::Postgres(tx) => {
                let query = sqlx::query_with(AssertSqlSafe(self.postgres.clone()), postgres_arguments(rows)?);
                query.execute(&mut **tx).await.map_err(domain_error)?;
            }
        }
        Ok(())
    }

    /// Runs it and gathers what it returns.
    pub async fn fetch<T>(&self, tx: &mut Tx, rows: &[Column<'_>]) -> Result<Vec<T>, Error>
    where
        T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        match tx {
            Tx::Sqlite(tx) => {
                let mut found = Vec::new();
                for (text, arguments) in self.sqlite_chunks(rows) {
                    let query = sqlx::query_as_with::<Sqlite, T, _>(AssertSqlSafe(text), arguments);
                    found.append(&mut query.fetch_all(&mut **tx).await.map_err(domain_error)?);
                }
                Ok(found)
            }
            Tx::Postgres(tx) => {
                let text = AssertSqlSafe(self.postgres.clone());
                let query = sqlx::query_as_with::<Postgres, T, _>(text, postgres_arguments(rows)?);
                query.fetch_all(&mut **tx).await.map_err(domain_error)
            }
        }
    }

    /// Runs it outside a transaction and gathers what it returns; on SQLite it cannot write.
    pub async fn read<T>(&self, db: &Db, rows: &[Column<'_>]) -> Result<Vec<T>, Error>
    where
        T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        match db {
            Db::Sqlite(db) => {
                let mut found = Vec::new();
                for (text, arguments) in self.sqlite_chunks(rows) {
                    let query = sqlx::query_as_with::<Sqlite, T, _>(AssertSqlSafe(text), arguments);
                    found.append(&mut query.fetch_all(db.readers()).await.map_err(domain_error)?);
                }
                Ok(found)
            }
            Db::Postgres(pool) => {
                let text = AssertSqlSafe(self.postgres.clone());
                let query = sqlx::query_as_with::<Postgres, T, _>(text, postgres_arguments(rows)?);
                query.fetch_all(pool).await.map_err(domain_error)
            }
        }
    }

    /// The statement in every form that it is sent in, to be prepared by a test.
    pub fn texts(&self, engine: crate::Engine) -> Vec<String> {
        match engine {
            crate::Engine::Postgres => vec![self.postgres.clone()],
            crate::Engine::Sqlite => self.sqlite.to_vec(),
        }
    }

    fn sqlite_chunks(&self, rows: &[Column<'_>]) -> Vec<(String, SqliteArguments)> {
        let total = rows.first().map_or(0, Column::len);
        let largest = SIZES[SIZES.len() - 1];
        let mut chunks = Vec::with_capacity(1);
        let mut from = 0;
        while from < total {
            let to = total.min(from + largest);
            let size = SIZES.iter().position(|size| *size >= to - from).expect("a chunk is no larger than the largest");
            chunks.push((self.sqlite[size].clone(), sqlite_arguments(rows, from, to)));
            from = to;
        }
        chunks
    }
}

/// Plain `?`: SQLite looks a `$1` up by name, in time that grows with the number of parameters.
fn values_list(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    vec![row; rows].join(", ")
}

fn sqlite_arguments(rows: &[Column<'_>], from: usize, to: usize) -> SqliteArguments {
    use sqlx::Arguments as _;
    let mut arguments = SqliteArguments::default();
    arguments.reserve((to - from) * rows.len(), 0);
    for row in from..to {
        for column in rows {
            match column {
                Column::Int(values) => arguments.add(values[row]),
                Column::Text(values) => arguments.add(values[row].map(str::to_owned)),
            }
            .expect("numbers and text always encode for SQLite");
        }
    }
    arguments
}

fn postgres_arguments(rows: &[Column<'_>]) -> Result<PgArguments, Error> {
    use sqlx::Arguments as _;
    let mut arguments = PgArguments::default();
    for column in rows {
        match column {
            Column::Int(values) => arguments.add(values),
            Column::Text(values) => arguments.add(values),
        }
        .map_err(Error::internal)?;
    }
    Ok(arguments)
}
