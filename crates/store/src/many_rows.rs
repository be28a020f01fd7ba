//! One statement over any number of rows, in or out.
//!
//! In: PostgreSQL gets every column as an array (`unnest`), so there is one statement text. SQLite gets plain
//! parameters in a `values` list that has a few sizes; unused rows are null and filtered out. Either way few statement
//! texts exist, each is prepared once per connection, and no input value passes through JSON.
//!
//! Out: sqlx passes SQLite's rows from a thread of its own, with a thread switch for nearly every row, which costs
//! far more than the rows themselves. So SQLite gathers the rows of a [`Gather`] or [`GatherMany`]
//! into one JSON text.

use serde::de::DeserializeOwned;
use sqlx::{
    AssertSqlSafe, FromRow, Postgres, Sqlite,
    postgres::{PgArguments, PgRow},
    query::QueryAs,
    sqlite::SqliteArguments,
};
use tidings_domain::Error;

use crate::{
    Db, Tx, domain_error,
    postgres::{PostgresDb, PostgresTx, by},
};

/// Maximum rows of one SQLite statement; see [`ManyRows::new`].
const SIZES: [usize; 5] = [1, 8, 64, 256, 1024];

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `bigint`, never null.
    Int,
    /// `text`, nullable.
    Text,
}

/// The values of one column, one per row.
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

/// A returned row: a tuple of the columns.
pub trait Row: DeserializeOwned + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl<T> Row for T where T: DeserializeOwned + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A statement that changes rows, and reads its input rows from a table `r`. It returns few or none.
#[derive(Debug)]
pub struct ManyRows {
    postgres: String,
    sqlite: [String; SIZES.len()],
}

impl ManyRows {
    /// `statement` selects from `r`, whose columns are `columns`; the first must be an integer.
    pub fn new(columns: &[(&str, Kind)], statement: &str) -> Self {
        Self::per_engine(columns, statement, statement)
    }

    /// As [`Self::new`], if the engines differ.
    pub fn per_engine(columns: &[(&str, Kind)], sqlite: &str, postgres: &str) -> Self {
        let names = columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let arrays = columns.iter().enumerate().map(|(i, (_, kind))| match kind {
            Kind::Int => format!("${}::bigint[]", i + 1),
            Kind::Text => format!("${}::text[]", i + 1),
        });
        let arrays = arrays.collect::<Vec<_>>().join(", ");
        let postgres = format!("with r({names}) as (select * from unnest({arrays})) {postgres}");
        let first = columns[0].0;
        let sqlite = SIZES.map(|size| {
            let values = values_list(size, columns.len());
            format!("with p({names}) as (values {values}), r as (select * from p where {first} is not null) {sqlite}")
        });
        Self { postgres, sqlite }
    }

    /// Runs it and ignores what it returns.
    pub async fn execute(&self, tx: &mut Tx, rows: &[Column<'_>]) -> Result<(), Error> {
        match tx {
            Tx::Sqlite(tx) => {
                for (text, arguments) in self.sqlite_chunks(rows) {
                    let done = sqlx::query_with(AssertSqlSafe(text), arguments).execute(&mut **tx).await;
                    done.map_err(|error| domain_error(tx.seen(error)))?;
                }
            }
            Tx::Postgres(tx) => {
                let query = sqlx::query_with(AssertSqlSafe(self.postgres.clone()), postgres_arguments(rows)?);
                let until = tx.until();
                let connection = tx.connection().map_err(domain_error)?;
                let done = by(until, query.execute(connection)).await;
                tx.after(done).map_err(domain_error)?;
            }
        }
        Ok(())
    }

    /// Runs it and returns its rows.
    pub async fn fetch<T>(&self, tx: &mut Tx, rows: &[Column<'_>]) -> Result<Vec<T>, Error>
    where
        T: Row + for<'r> FromRow<'r, sqlx::sqlite::SqliteRow>,
    {
        match tx {
            Tx::Sqlite(tx) => {
                let mut found = Vec::new();
                for (text, arguments) in self.sqlite_chunks(rows) {
                    let query = sqlx::query_as_with::<Sqlite, T, _>(AssertSqlSafe(text), arguments);
                    let rows = query.fetch_all(&mut **tx).await;
                    found.append(&mut rows.map_err(|error| domain_error(tx.seen(error)))?);
                }
                Ok(found)
            }
            Tx::Postgres(tx) => self.in_postgres(tx, rows).await,
        }
    }

    async fn in_postgres<T: Row>(&self, tx: &mut PostgresTx, rows: &[Column<'_>]) -> Result<Vec<T>, Error> {
        let query = self.on_postgres(rows)?;
        let until = tx.until();
        let connection = tx.connection().map_err(domain_error)?;
        let done = by(until, query.fetch_all(connection)).await;
        tx.after(done).map_err(domain_error)
    }

    fn on_postgres<T: Row>(&self, rows: &[Column<'_>]) -> Result<QueryAs<'static, Postgres, T, PgArguments>, Error> {
        Ok(sqlx::query_as_with(AssertSqlSafe(self.postgres.clone()), postgres_arguments(rows)?))
    }

    /// Every form of the statement that is sent, to be prepared by a test.
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

/// A query for many rows that reads its input rows from a table `r`.
#[derive(Debug)]
pub struct GatherMany(ManyRows);

impl GatherMany {
    /// As [`ManyRows::new`]; `out` is what SQLite puts into the JSON: the columns of `query`, booleans as
    /// `json(iif(column, 'true', 'false'))`. Clauses that only PostgreSQL knows (row locks) are in
    /// `postgres_tail`.
    pub fn new(columns: &[(&str, Kind)], out: &[&str], query: &str, postgres_tail: &str) -> Self {
        Self::per_engine(columns, out, query, &format!("{query} {postgres_tail}"))
    }

    /// As [`Self::new`], if the engines differ.
    pub fn per_engine(columns: &[(&str, Kind)], out: &[&str], sqlite: &str, postgres: &str) -> Self {
        Self(ManyRows::per_engine(columns, &gathered(out, sqlite), postgres))
    }

    /// Runs it in a transaction.
    pub async fn fetch<T: Row>(&self, tx: &mut Tx, rows: &[Column<'_>]) -> Result<Vec<T>, Error> {
        match tx {
            Tx::Sqlite(tx) => {
                let mut found = Vec::new();
                for (text, arguments) in self.0.sqlite_chunks(rows) {
                    let text = one_text(&mut **tx, text, arguments).await;
                    found.append(&mut rows_in(&text.map_err(|error| domain_error(tx.seen(error)))?)?);
                }
                Ok(found)
            }
            Tx::Postgres(tx) => self.0.in_postgres(tx, rows).await,
        }
    }

    /// Runs it outside a transaction.
    pub async fn read<T: Row>(&self, db: &Db, rows: &[Column<'_>]) -> Result<Vec<T>, Error> {
        match db {
            Db::Sqlite(db) => {
                let mut found = Vec::new();
                for (text, arguments) in self.0.sqlite_chunks(rows) {
                    let text = one_text(db.readers(), text, arguments).await;
                    found.append(&mut rows_in(&text.map_err(|error| domain_error(db.seen(error)))?)?);
                }
                Ok(found)
            }
            Db::Postgres(db) => read(db, || self.0.on_postgres(rows)).await,
        }
    }

    /// As [`ManyRows::texts`].
    pub fn texts(&self, engine: crate::Engine) -> Vec<String> {
        self.0.texts(engine)
    }
}

/// A query with integer parameters that returns many rows.
#[derive(Debug)]
pub struct Gather {
    postgres: &'static str,
    sqlite: String,
}

impl Gather {
    /// `out` as in [`GatherMany::new`].
    pub fn new(out: &[&str], query: &'static str) -> Self {
        Self::per_engine(out, query, query)
    }

    /// As [`Self::new`], if the engines differ.
    pub fn per_engine(out: &[&str], sqlite: &str, postgres: &'static str) -> Self {
        Self { postgres, sqlite: gathered(out, sqlite) }
    }

    /// Runs it outside a transaction.
    pub async fn read<T: Row>(&self, db: &Db, parameters: &[i64]) -> Result<Vec<T>, Error> {
        use sqlx::Arguments as _;
        match db {
            Db::Sqlite(db) => {
                let mut arguments = SqliteArguments::default();
                for parameter in parameters {
                    arguments.add(*parameter).expect("numbers always encode");
                }
                let text = one_text(db.readers(), self.sqlite.clone(), arguments).await;
                rows_in(&text.map_err(|error| domain_error(db.seen(error)))?)
            }
            Db::Postgres(db) => {
                let query = || {
                    let mut arguments = PgArguments::default();
                    for parameter in parameters {
                        arguments.add(*parameter).map_err(Error::internal)?;
                    }
                    Ok(sqlx::query_as_with(self.postgres, arguments))
                };
                read(db, query).await
            }
        }
    }

    /// The query as it is sent, to be prepared by a test.
    pub fn text(&self, engine: crate::Engine) -> String {
        match engine {
            crate::Engine::Postgres => self.postgres.to_owned(),
            crate::Engine::Sqlite => self.sqlite.clone(),
        }
    }
}

/// On one connection after another, until one works.
async fn read<T: Row>(
    db: &PostgresDb,
    query: impl Fn() -> Result<QueryAs<'static, Postgres, T, PgArguments>, Error>,
) -> Result<Vec<T>, Error> {
    let mut reading = db.reading();
    loop {
        let query = query()?;
        let done = match reading.lend().await {
            Ok(mut lent) => {
                let connection = lent.connection().map_err(domain_error)?;
                let done = by(reading.until(), query.fetch_all(connection)).await;
                lent.after(done)
            }
            Err(error) => Err(error),
        };
        match done {
            Err(error) if reading.goes_on_after(&error) => {}
            done => return done.map_err(domain_error),
        }
    }
}

fn gathered(out: &[&str], query: &str) -> String {
    format!("select json_group_array(json_array({})) from ({query})", out.join(", "))
}

async fn one_text<'c>(
    on: impl sqlx::Executor<'c, Database = Sqlite>,
    text: String,
    arguments: SqliteArguments,
) -> sqlx::Result<String> {
    sqlx::query_scalar_with::<Sqlite, String, _>(AssertSqlSafe(text), arguments).fetch_one(on).await
}

fn rows_in<T: Row>(json: &str) -> Result<Vec<T>, Error> {
    serde_json::from_str(json).map_err(Error::internal)
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
