//! Schemas and their migrations.

use std::cmp::Ordering;

use sqlx::SqlSafeStr as _;
use sqlx::{
    Connection as _, SqlStr,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};
use tidings_domain::{Error, Reason};

use crate::{Db, domain_error, on_db, plans};

/// One service's tables, as the migrations for each engine.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// The service: the SQLite file's name and the PostgreSQL schema's.
    pub name: &'static str,
    /// Step 1, 2, ... for SQLite.
    pub sqlite: &'static [&'static str],
    /// Step 1, 2, ... for PostgreSQL.
    pub postgres: &'static [&'static str],
}

/// A database's migrations compared with those that a program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaState {
    /// All known ones are applied, and no other.
    UpToDate,
    /// That many are still to be applied.
    Behind(usize),
    /// That many are unknown to this program.
    Ahead(usize),
}

impl Schema {
    /// Applies every pending migration; several processes may do so at once.
    pub async fn migrate(&self, db: &Db) -> Result<(), Error> {
        match db {
            Db::Sqlite(db) => {
                self.steps(self.sqlite).run(&db.writer).await.map_err(|error| self.not_migrated(&error))?;
                plans::set_statistics(&db.writer).await.map_err(domain_error)
            }
            // Migrations of other processes are waited for, and one may take as long as the tables are large.
            Db::Postgres(db) => {
                let mut connection = db.unlimited().await.map_err(domain_error)?;
                let done = self.steps(self.postgres).run(&mut connection).await;
                let _ = connection.close().await;
                done.map_err(|error| self.not_migrated(&error))
            }
        }
    }

    /// The database's migrations compared with those of this program.
    pub async fn standing(&self, db: &Db) -> Result<SchemaState, Error> {
        const TAKEN: &str = "select coalesce(max(version), 0) from _sqlx_migrations where success";
        let taken: Result<(i64,), Error> = on_db!(db, |c| sqlx::query_as(TAKEN).fetch_one(c).await);
        let taken = match taken {
            Ok((taken,)) => usize::try_from(taken).unwrap_or(0),
            // Without the table none was applied; any other failure is a database error.
            Err(error) if error.reason() == Reason::Internal => 0,
            Err(error) => return Err(error),
        };
        let known = self.sqlite.len();
        Ok(match taken.cmp(&known) {
            Ordering::Less => SchemaState::Behind(known - taken),
            Ordering::Equal => SchemaState::UpToDate,
            Ordering::Greater => SchemaState::Ahead(taken - known),
        })
    }

    /// For a process that does not migrate: refuses tables that lack a migration. Newer ones work with the previous
    /// version, which continues while processes are replaced one after another.
    pub async fn check(&self, db: &Db) -> Result<(), Error> {
        match self.standing(db).await? {
            SchemaState::UpToDate => {}
            SchemaState::Ahead(steps) => tracing::warn!(
                service = self.name,
                steps,
                "the tables belong to a newer version of tidings: update this process soon"
            ),
            SchemaState::Behind(steps) => return Err(self.lacks(steps)),
        }
        Ok(())
    }

    fn lacks(&self, steps: usize) -> Error {
        let rule = format!(
            "leaves the tables of {} as they are, but they lack {steps} steps: run `tidings migrate` of this version first",
            self.name
        );
        Error::invalid("database.skip_migrations", rule)
    }

    fn not_migrated(&self, error: &MigrateError) -> Error {
        let (service, known) = (self.name, self.sqlite.len());
        let what = match error {
            MigrateError::VersionMissing(step) => format!(
                "they are of a newer version of tidings (step {step}, this one knows {known}); run that version, or \
                 restore a backup from before the update"
            ),
            MigrateError::VersionMismatch(step) => format!(
                "their step {step} was taken in another form, by a version of tidings that was never released; restore \
                 a backup or begin with an empty database"
            ),
            MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) => {
                let cause = match cause {
                    sqlx::Error::Database(fault) => fault.message().to_owned(),
                    other => other.to_string(),
                };
                format!("{cause}; free the disk or correct the rights, and start again: no step is taken by halves")
            }
            other => other.to_string(),
        };
        Error::invalid("the database", format!("has tables of {service} that cannot be brought up to date: {what}"))
    }

    fn steps(&self, texts: &'static [&'static str]) -> Migrator {
        let steps = texts.iter().zip(1..).map(|(text, version)| {
            let text: SqlStr = text.into_sql_str();
            Migration::new(version, self.name.into(), MigrationType::Simple, text, false)
        });
        Migrator::with_migrations(steps.collect())
    }
}
