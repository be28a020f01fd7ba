//! Opens a service's database.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64},
};

use sqlx::{
    ConnectOptions as _, Connection as _,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tidings_domain::Error;

use crate::{
    Db, Schema, connect,
    postgres::PostgresDb,
    sqlite::{ACQUIRE, BUSY, SqliteDb},
    sqlite_file::SqliteFile,
};

/// The location of a service's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder that holds one SQLite file per service.
    Folder(PathBuf),
    /// A PostgreSQL database, as a `postgres://` URL; every service has its own schema in it.
    Postgres(String),
}

impl fmt::Display for Location {
    /// For humans, without passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "SQLite in {}", folder.display()),
            Self::Postgres(url) => match connect::options(url) {
                Ok(options) => f.write_str(&connect::shown(&options)),
                Err(_) => f.write_str("PostgreSQL"),
            },
        }
    }
}

const READERS: u32 = 4;
/// Every statement looks rows up by an index, row by row. A plan made while the tables were small would do full scans
/// instead, and would be kept until PostgreSQL next analyzes the tables. The cost that it assigns to disabled plan
/// types would make it compile the rest, hence no `jit`.
const PLANS: [(&str, &str); 5] = [
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
];
/// Opens the database of `schema` and migrates it when `migrate` is set.
pub async fn open(location: &Location, schema: &Schema, migrate: bool) -> Result<Db, Error> {
    let db = match location {
        Location::Folder(folder) => open_sqlite(folder.join(format!("{}.sqlite", schema.name))).await?,
        Location::Postgres(url) => open_postgres(url, schema.name, migrate).await?,
    };
    if migrate {
        schema.migrate(&db).await?;
    }
    Ok(db)
}

/// Connects to the server once, without waiting for it to start as [`open`] does. A folder needs no server.
pub async fn reach(location: &Location) -> Result<(), Error> {
    match location {
        Location::Folder(_) => Ok(()),
        Location::Postgres(url) => connect::first(connect::options(url)?, false).await.map(|_| ()),
    }
}

async fn open_sqlite(path: PathBuf) -> Result<Db, Error> {
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // Full: a commit is on disk before it is acknowledged.
        .synchronous(SqliteSynchronous::Full)
        // Small pages, since a message changes about one page: less to log and to sync.
        .page_size(2048)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        // KiB. Small, since a commit that split a page scans the whole cache; the system's own holds the rest.
        .pragma("cache_size", "-6000")
        // Checkpoints are planned (see `checkpoint`), never in the middle of a commit.
        .pragma("wal_autocheckpoint", "0")
        // Maximum bytes of the log after it was restarted.
        .pragma("journal_size_limit", "134217728")
        .disable_statement_logging();
    // A file does not become unavailable as a server does, and each check would be a thread switch.
    let pool = || {
        let options = SqlitePoolOptions::new().test_before_acquire(false);
        options.acquire_timeout(ACQUIRE).idle_timeout(None).max_lifetime(None)
    };
    let unusable = |error: sqlx::Error| {
        let cause = match &error {
            sqlx::Error::Database(fault) => fault.message().to_owned(),
            other => other.to_string(),
        };
        let remedy = "give the data folder to the user that runs tidings, or restore the file from a backup";
        Error::invalid("data", format!("file {} cannot be used: {cause}; {remedy}", path.display()))
    };
    let file = Arc::new(SqliteFile::new(path.clone()));
    let writer = pool().max_connections(1).connect_with(options.clone()).await.map_err(unusable)?;
    let checkpointer = pool().min_connections(0).max_connections(1).connect_lazy_with(options.clone());
    let readers = options.read_only(true).pragma("cache_size", "-4000");
    let readers = pool().min_connections(1).max_connections(READERS).connect_lazy_with(readers);
    Ok(Db::Sqlite(SqliteDb { file, writer, readers, checkpointer, commits: Arc::new(AtomicU64::new(0)) }))
}

async fn open_postgres(url: &str, schema: &str, create: bool) -> Result<Db, Error> {
    let schema = format!("tidings_{schema}");
    let options = connect::first(connect::options(url)?, true).await?;
    let options = options
        .application_name("tidings")
        .options([("search_path", schema.as_str()), ("synchronous_commit", "on")])
        .options(PLANS)
        .disable_statement_logging();
    let refused = |error| connect::refusal(&options, &error);
    let db = PostgresDb::new(options.clone());
    if create {
        create_schema(&db, &schema).await.map_err(refused)?;
    }
    Ok(Db::Postgres(db))
}

/// The lock keeps two processes that start at once from creating the same schema twice, which PostgreSQL refuses.
async fn create_schema(db: &PostgresDb, schema: &str) -> sqlx::Result<()> {
    const LOCK: &str = "select pg_advisory_xact_lock(8435746283)";
    let create = sqlx::AssertSqlSafe(format!("create schema if not exists {schema}"));
    let mut connection = db.unlimited().await?;
    let mut tx = connection.begin().await?;
    sqlx::query(LOCK).execute(&mut *tx).await?;
    sqlx::query(create).execute(&mut *tx).await?;
    tx.commit().await?;
    connection.close().await
}
