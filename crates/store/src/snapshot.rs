//! Copies of the SQLite files of a data folder while it is in use, all as of one moment.
//!
//! For that moment the write locks of all files are held, so that no transaction is open anywhere. Together the copies
//! are what a crash at that moment would have left, which every service recovers from.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    ConnectOptions as _, Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteSynchronous},
};
use tidings_domain::Error;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{Schema, domain_error};

/// How long a writer of the running program is waited for, and how long it waits for us: less than it does.
const BUSY: Duration = Duration::from_secs(4);
/// How long copies may take to begin, while writers wait.
const BEGIN: Duration = Duration::from_secs(3);
/// The interval between two looks whether they have begun.
const PAUSE: Duration = Duration::from_millis(1);

/// Copies the databases of `folder` into the empty folder `to`. The copies are on disk when this returns.
pub async fn snapshot(folder: &Path, schemas: &[&Schema], to: &Path) -> Result<(), Error> {
    let mut locks = Vec::new();
    for schema in schemas {
        let mut connection = open(&folder.join(format!("{}.sqlite", schema.name))).await?;
        sqlx::query("begin immediate").execute(&mut connection).await.map_err(domain_error)?;
        locks.push(connection);
    }
    let mut copies = JoinSet::new();
    let mut targets = Vec::new();
    for schema in schemas {
        let name = format!("{}.sqlite", schema.name);
        targets.push((to.join(&name), false));
        copies.spawn(copy(targets.len() - 1, folder.join(&name), to.join(&name)));
    }
    // A copy that has written anything has taken its snapshot before.
    let by = Instant::now() + BEGIN;
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

async fn open(path: &Path) -> Result<SqliteConnection, Error> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(false).busy_timeout(BUSY);
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
