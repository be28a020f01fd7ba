//! Schemas and their migrations.

use sqlx::SqlSafeStr as _;
use sqlx::{
    SqlStr,
    migrate::{Migration, MigrationType, Migrator},
};
use tidings_domain::Error;

use crate::{Db, domain_error, on_db, plans};

/// One service's tables, as the steps that lead to them on each engine.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// The service: the SQLite file's name and the PostgreSQL schema's.
    pub name: &'static str,
    /// Step 1, 2, ... for SQLite.
    pub sqlite: &'static [&'static str],
    /// Step 1, 2, ... for PostgreSQL.
    pub postgres: &'static [&'static str],
}

impl Schema {
    /// Takes every step that the database has not seen; several processes may do so at once.
    pub async fn migrate(&self, db: &Db) -> Result<(), Error> {
        match db {
            Db::Sqlite(db) => {
                self.steps(self.sqlite).run(&db.writer).await.map_err(Error::internal)?;
                plans::tell(&db.writer).await.map_err(domain_error)
            }
            Db::Postgres(pool) => self.steps(self.postgres).run(pool).await.map_err(Error::internal),
        }
    }

    /// How many steps the database has not seen.
    pub async fn pending(&self, db: &Db) -> Result<usize, Error> {
        const TAKEN: &str = "select count(*) from _sqlx_migrations where success";
        let taken: Result<(i64,), Error> = on_db!(db, |c| sqlx::query_as(TAKEN).fetch_one(c).await);
        // Without the table none was taken.
        let taken = taken.map_or(0, |(count,)| usize::try_from(count).unwrap_or(0));
        Ok(self.sqlite.len().saturating_sub(taken))
    }

    fn steps(&self, texts: &'static [&'static str]) -> Migrator {
        let steps = texts.iter().zip(1..).map(|(text, version)| {
            let text: SqlStr = text.into_sql_str();
            Migration::new(version, self.name.into(), MigrationType::Simple, text, false)
        });
        Migrator::with_migrations(steps.collect())
    }
}
