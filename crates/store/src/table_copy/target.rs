//! The PostgreSQL side of a copy: its state and progress.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Row as _, SqliteConnection, postgres::PgRow,
};
use tidings_domain::Error;
use tokio::time::{Instant, sleep};

use super::{
    compare::Sum,
    shape::Shape,
    table::{Column, Table, Value},
};
use crate::{connect, domain_error, postgres::PostgresDb};

/// Held by the connection: a copy that was cut may still be at work on the server.
const LOCK: &str = "set lock_timeout = '10s'; select pg_advisory_lock(8435746284); set lock_timeout = 0";
/// The code of a lock that was not to be had in time.
const LOCKED: &str = "55P03";
/// Connections of other processes of ours.
const OTHERS: &str = "
    select count(*) from pg_stat_activity
    where datname = current_database() and application_name = 'tidings' and pid <> pg_backend_pid()";
/// How long the server may take to notice that a process was killed.
const GONE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);
const PREPARE: &str = "
    create schema if not exists tidings_copy;
    create table if not exists tidings_copy.source (name text not null primary key);
    create table if not exists tidings_copy.position (
        service text not null, table_name text not null, key text not null, primary key (service, table_name))";
const BEGUN: &str = "select to_regclass('tidings_copy.source') is not null";
const SOURCE: &str = "select name from tidings_copy.source";
const NAME: &str = "insert into tidings_copy.source (name) values ($1) on conflict do nothing";
const POSITION: &str = "
    select key from tidings_copy.position where service = current_schema() and table_name = $1";
const MOVE: &str = "
    insert into tidings_copy.position (service, table_name, key) values (current_schema(), $1, $2)
    on conflict (service, table_name) do update set key = excluded.key";
const FINISH: &str = "drop schema if exists tidings_copy cascade";

/// A schema that is copied into.
pub struct Target {
    connection: PgConnection,
}

impl Target {
    /// Marks a copy from `source` as begun, unless it was.
    pub async fn open(to: &PostgresDb, source: &str) -> Result<Self, Error> {
        let mut connection = to.unlimited().await.map_err(domain_error)?;
        sqlx::raw_sql(LOCK).execute(&mut connection).await.map_err(in_turn)?;
        sqlx::raw_sql(PREPARE).execute(&mut connection).await.map_err(domain_error)?;
        sqlx::query(NAME).bind(source).execute(&mut connection).await.map_err(domain_error)?;
        Ok(Self { connection })
    }

    /// The source of a copy that was begun and has not ended.
    pub async fn begun(to: &PostgresDb) -> Result<Option<String>, Error> {
        let mut connection = to.unlimited().await.map_err(domain_error)?;
        let found = async {
            let (begun,): (bool,) = sqlx::query_as(BEGUN).fetch_one(&mut connection).await?;
            if !begun {
                return Ok(None);
            }
            let row: Option<(String,)> = sqlx::query_as(SOURCE).fetch_optional(&mut connection).await?;
            Ok::<_, sqlx::Error>(row.map(|(source,)| source))
        };
        let found = found.await.map_err(domain_error);
        connection.close().await.map_err(domain_error)?;
        found
    }

    /// Removes the marks of a copy.
    pub async fn finish(to: &PostgresDb) -> Result<(), Error> {
        let mut connection = to.unlimited().await.map_err(domain_error)?;
        sqlx::raw_sql(FINISH).execute(&mut connection).await.map_err(domain_error)?;
        connection.close().await.map_err(domain_error)
    }

    /// The key of the last row that was copied.
    pub async fn position(&mut self, table: &Table) -> Result<Option<Vec<Value>>, Error> {
        let row: Option<(String,)> = sqlx::query_as(POSITION)
            .bind(&table.name)
            .fetch_optional(&mut self.connection)
            .await
            .map_err(domain_error)?;
        let Some((key,)) = row else { return Ok(None) };
        let key: Vec<serde_json::Value> = serde_json::from_str(&key).map_err(Error::internal)?;
        let columns = table.key().into_iter().map(|at| &table.columns[at]);
        Ok(Some(columns.zip(key).map(|(column, value)| value_of(column, &value)).collect()))
    }

    /// Removes what the migrations have put into a table: the source has its own.
    pub async fn empty(&mut self, table: &Table) -> Result<(), Error> {
        let text = AssertSqlSafe(format!("delete from \"{}\"", table.name));
        sqlx::query(text).execute(&mut self.connection).await.map(drop).map_err(domain_error)
    }

    /// Inserts rows, and records the key of the last one with them.
    pub async fn insert(
        &mut self,
        (table, shape): (&Table, &Shape),
        rows: Vec<Vec<Value>>,
        key: &[Value],
    ) -> Result<(), Error> {
        let text = shape.insert(table);
        let mut query = sqlx::query(AssertSqlSafe(text));
        let mut columns: Vec<Vec<Value>> = table.columns.iter().map(|_| Vec::with_capacity(rows.len())).collect();
        for row in rows {
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value);
            }
        }
        for (column, values) in table.columns.iter().zip(columns) {
            query = if column.is_text {
                query.bind(values.into_iter().map(Value::text).collect::<Vec<_>>())
            } else {
                query.bind(values.into_iter().map(Value::int).collect::<Vec<_>>())
            };
        }
        let key = serde_json::to_string(key).map_err(Error::internal)?;
        let mut tx = self.connection.begin().await.map_err(domain_error)?;
        query.execute(&mut *tx).await.map_err(domain_error)?;
        sqlx::query(MOVE).bind(&table.name).bind(key).execute(&mut *tx).await.map_err(domain_error)?;
        tx.commit().await.map_err(domain_error)
    }

    /// The shape of a table.
    pub async fn shape(&mut self, table: &Table) -> Result<Shape, Error> {
        Shape::of(&mut self.connection, table).await
    }

    /// Lets the table's sequence continue where the file's numbers ended.
    pub async fn go_on(&mut self, from: &mut SqliteConnection, table: &Table, shape: &Shape) -> Result<(), Error> {
        shape.go_on(from, &mut self.connection, table).await
    }

    /// The sum of a table as it is now.
    pub async fn sum(&mut self, table: &Table, shape: &Shape) -> Result<Sum, Error> {
        let text = shape.select(table);
        let (mut rows, mut sum) = (sqlx::query(AssertSqlSafe(text)).fetch(&mut self.connection), Sum::default());
        while let Some(row) = rows.try_next().await.map_err(domain_error)? {
            sum.add(&values(table, &row).map_err(domain_error)?);
        }
        Ok(sum)
    }

    /// Ends the connection.
    pub async fn close(self) {
        let _ = self.connection.close().await;
    }
}

/// Refuses a database that a running process uses.
pub async fn check_unused(url: &str) -> Result<(), Error> {
    let options = connect::first(connect::options(url)?, true).await?.disable_statement_logging();
    let mut connection = options.connect().await.map_err(|error| connect::refusal(&options, &error))?;
    let by = Instant::now() + GONE;
    let used = loop {
        let (others,): (i64,) = sqlx::query_as(OTHERS).fetch_one(&mut connection).await.map_err(domain_error)?;
        if others == 0 || Instant::now() > by {
            break others > 0;
        }
        sleep(PAUSE).await;
    };
    connection.close().await.map_err(domain_error)?;
    if used {
        return Err(Error::invalid(
            "--to",
            "is in use by a running tidings: stop it, for a copy needs the database alone",
        ));
    }
    Ok(())
}

fn in_turn(error: sqlx::Error) -> Error {
    match error.as_database_error().and_then(sqlx::error::DatabaseError::code) {
        Some(code) if code == LOCKED => Error::invalid("--to", "is the target of another process's copy: wait for it"),
        _ => domain_error(error),
    }
}

fn values(table: &Table, row: &PgRow) -> sqlx::Result<Vec<Value>> {
    let value = |(at, column): (usize, &Column)| {
        Ok(if column.is_text { Value::Text(row.try_get(at)?) } else { Value::Int(row.try_get(at)?) })
    };
    table.columns.iter().enumerate().map(value).collect()
}

fn value_of(column: &Column, value: &serde_json::Value) -> Value {
    if column.is_text { Value::Text(value.as_str().map(str::to_owned)) } else { Value::Int(value.as_i64()) }
}

impl Value {
    fn int(self) -> Option<i64> {
        match self {
            Self::Int(value) => value,
            Self::Text(_) => None,
        }
    }

    fn text(self) -> Option<String> {
        match self {
            Self::Text(value) => value,
            Self::Int(_) => None,
        }
    }
}
