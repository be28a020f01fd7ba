//! Copies every row of SQLite files into PostgreSQL.
//!
//! Tables and columns are those of the files, so that no table is forgotten. Each batch is one transaction with the key
//! up to which its table is copied, so a copy that was cut continues there. Both sides are compared in the end.

mod compare;
mod shape;
mod table;
mod target;

use std::path::Path;

use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tidings_domain::Error;

use self::{compare::Sum, shape::Shape, table::Table, target::Target};
use crate::{Db, Schema, SchemaState, domain_error};

/// What was copied of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedTable {
    /// As `service.table`.
    pub name: String,
    /// Its rows, on both sides.
    pub rows: u64,
}

/// Copies the tables of `schema` from its file in `folder` to `to`, whose tables are up to date. `report` is called for each
/// table. `source` names the data folder, so that a copy is not continued with another one.
///
/// The folder must not be in use. Repeating it is safe: what is copied already is only compared.
pub async fn copy_tables(
    (folder, source): (&Path, &str),
    schema: &Schema,
    to: &Db,
    mut report: impl FnMut(&CopiedTable),
) -> Result<(), Error> {
    let Db::Postgres(to) = to else {
        return Err(Error::invalid("--to", "must be a postgres:// URL"));
    };
    let path = folder.join(format!("{}.sqlite", schema.name));
    let options = SqliteConnectOptions::new().filename(&path).read_only(true).disable_statement_logging();
    let mut from = options.connect().await.map_err(|error| {
        Error::invalid("--from", format!("file {} cannot be read: {error}", path.display())).because(error)
    })?;
    let mut target = Target::open(to, source).await?;
    for table in table::all(&mut from).await.map_err(domain_error)? {
        let shape = target.shape(&table).await?;
        rows(&mut from, &mut target, (&table, &shape)).await?;
        target.go_on(&mut from, &table, &shape).await?;
        let sums = (table.sum_of_source(&mut from).await?, target.sum(&table, &shape).await?);
        if sums.0 != sums.1 {
            return Err(differs(schema, &table, sums));
        }
        report(&CopiedTable { name: format!("{}.{}", schema.name, table.name), rows: sums.0.rows });
    }
    target.close().await;
    from.close().await.map_err(domain_error)
}

/// Refuses a file that lacks a migration, or has one that is not known here.
pub async fn check_source(folder: &Path, schema: &Schema) -> Result<(), Error> {
    let path = folder.join(format!("{}.sqlite", schema.name));
    if !path.exists() {
        return Err(Error::invalid("--from", format!("has no {}: it is not a data folder of tidings", path.display())));
    }
    let db = crate::open(&crate::Location::Folder(folder.to_owned()), schema, false).await?;
    let standing = schema.standing(&db).await;
    db.close().await;
    match standing? {
        SchemaState::UpToDate => Ok(()),
        SchemaState::Behind(steps) => {
            let words = format!("lacks {steps} migrations of {}: run `tidings migrate` on it first", schema.name);
            Err(Error::invalid("--from", words))
        }
        SchemaState::Ahead(steps) => {
            let words = format!("is {steps} migrations of {} ahead of this version: update this program", schema.name);
            Err(Error::invalid("--from", words))
        }
    }
}

/// Refuses a database that a running process uses; `url` as configured. What a killed process left there is waited for.
pub async fn check_unused(url: &str) -> Result<(), Error> {
    target::check_unused(url).await
}

/// The source of a copy that was started into this database; `None`: there was none.
pub async fn begun(to: &Db) -> Result<Option<String>, Error> {
    let Db::Postgres(to) = to else { return Ok(None) };
    Target::begun(to).await
}

/// Removes what marks a copy as unfinished.
pub async fn finish(to: &Db) -> Result<(), Error> {
    let Db::Postgres(to) = to else { return Ok(()) };
    Target::finish(to).await
}

async fn rows(from: &mut SqliteConnection, target: &mut Target, of: (&Table, &Shape)) -> Result<(), Error> {
    let (table, _) = of;
    let mut above = target.position(table).await?;
    if above.is_none() {
        target.empty(table).await?;
    }
    loop {
        let batch = table.batch(from, above.as_deref()).await?;
        let Some(last) = batch.last() else { return Ok(()) };
        let key = table.key_of(last);
        target.insert(of, batch, &key).await?;
        above = Some(key);
    }
}

fn differs(schema: &Schema, table: &Table, (source, target): (Sum, Sum)) -> Error {
    let (name, there, here) = (&table.name, source.rows, target.rows);
    let words = format!(
        "differs in table {name} of {}: {there} rows here, {here} there; empty the target and copy again",
        schema.name
    );
    Error::invalid("the copy", words)
}
