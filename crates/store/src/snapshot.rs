//! Copies of the SQLite files of a data folder while it is in use, all as of one point in time.
//!
//! At that time the write locks of all files are held, so that no transaction is open anywhere. Together the copies
//! are what a crash at that time would have left, which every service recovers from.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    ConnectOptions as _, Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteSynchronous},
};
use tidings_domain::{Error, Reason};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{Schema, domain_error};

/// How long writers of the running program are held at most, less than they wait for a lock; and how long one of them is
/// waited for.
const HOLD: Duration = Duration::from_secs(4);
/// How often it is tried.
const TRIES: u32 = 3;
/// The interval between two looks whether they have begun.
const PAUSE: Duration = Duration::from_millis(1);

/// Copies the databases of `folder` into the empty folder `to`. The copies are on disk when this returns.
pub async fn snapshot(folder: &Path, schemas: &[&Schema], to: &Path) -> Result<(), Error> {
    let (locks, by) = lock(folder, schemas).await?;
    let mut copies = JoinSet::new();
    let mut targets = Vec::new();
    for schema in schemas {
        let name = format!("{}.sqlite", schema.name);
        targets.push((to.join(&name), false));
        copies.spawn(copy(targets.len() - 1, folder.join(&name), to.join(&name)));
    }
    // A copy that has written anything has taken its snapshot before.
    loop {
        while let Some(done) = copies.try_join_next() {
            targets[done.map_err(Error::internal)??].1 = true;
        }
        if targets.iter().all(|(target, is_done)| *is_done || has_bytes(target)) {
            break;
        }
        if Instant::now() > by {
            return Err(Error::invalid("the backup", "cannot begin to write: the disk is too slow, try again"));
        }
        sleep(PAUSE).await;
    }
    for lock in locks {
        lock.close().await.map_err(domain_error)?;
    }
    while let Some(done) = copies.join_next().await {
        done.map_err(Error::internal)??;
    }
    for (target, _) in targets {
        fs::File::open(target).and_then(|file| file.sync_all()).map_err(Error::internal)?;
    }
    fs::File::open(to).and_then(|folder| folder.sync_all()).map_err(Error::internal)
}

/// The write locks of all files, and until when they may be held.
async fn lock(folder: &Path, schemas: &[&Schema]) -> Result<(Vec<SqliteConnection>, Instant), Error> {
    let mut connections = Vec::new();
    for schema in schemas {
        connections.push(open(&folder.join(format!("{}.sqlite", schema.name))).await?);
    }
    for _ in 0..TRIES {
        // Waiting for the first lock blocks no one else.
        let mut by = None;
        let mut held = 0;
        for connection in &mut connections {
            let left = by.map_or(HOLD, |by: Instant| by.saturating_duration_since(Instant::now()));
            let wait = sqlx::AssertSqlSafe(format!("pragma busy_timeout = {}", left.as_millis()));
            sqlx::query(wait).execute(&mut *connection).await.map_err(domain_error)?;
            match sqlx::query("begin immediate").execute(&mut *connection).await {
                Ok(_) => held += 1,
                Err(error) => match domain_error(error) {
                    error if error.reason() == Reason::Unavailable => break,
                    error => return Err(error),
                },
            }
            by = by.or_else(|| Some(Instant::now() + HOLD));
        }
        if let Some(by) = by.filter(|_| held == connections.len()) {
            return Ok((connections, by));
        }
        for connection in connections.iter_mut().take(held) {
            sqlx::query("rollback").execute(connection).await.map_err(domain_error)?;
        }
    }
    Err(Error::invalid("the backup", "finds the databases busy: try again when less is written"))
}

async fn open(path: &Path) -> Result<SqliteConnection, Error> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(false).busy_timeout(HOLD);
    let options = options.synchronous(SqliteSynchronous::Full).disable_statement_logging();
    options.connect().await.map_err(|error| {
        Error::invalid("data", format!("file {} cannot be copied: {error}", path.display())).because(error)
    })
}

async fn copy(number: usize, from: PathBuf, to: PathBuf) -> Result<usize, Error> {
    let mut connection = open(&from).await?;
    let done = sqlx::query("vacuum into $1").bind(to.display().to_string()).execute(&mut connection).await;
    done.map_err(|error| {
        Error::invalid("data", format!("file {} cannot be copied: {error}", from.display())).because(error)
    })?;
    connection.close().await.map_err(domain_error)?;
    Ok(number)
}

fn has_bytes(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.len() > 0)
}
