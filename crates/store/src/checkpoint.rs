//! Plans SQLite's checkpoints, so that no commit pays for one.
//!
//! A passive checkpoint copies what it can while the writer runs. It cannot restart the log while the writer keeps
//! appending, so when the log has grown long, a restarting checkpoint runs on the writer's own connection right after a
//! passive one, when little is left to copy. A reader outside of this process can prevent that for as long as it likes:
//! the checkpoint waits for it briefly, then writes continue, and the log reports it.

use std::{path::Path, sync::atomic::Ordering, time::Duration};

use sqlx::SqliteConnection;
use tokio::time::Instant;

use crate::sqlite::{BUSY, SqliteDb};

const TICK: Duration = Duration::from_millis(200);
/// Commits after which a passive checkpoint is worth its syncs.
const COMMITS: u64 = 500;
/// Ticks after which even a few commits are copied.
const QUIET_TICKS: u32 = 25;
/// Pages of 2 KiB in the log from which it is restarted: 32 MiB.
const LONG_LOG: i64 = 16 * 1024;
/// How long every write waits for readers of the old log to end, at most.
const PATIENCE: Duration = Duration::from_millis(50);
/// The interval between two such waits while a reader keeps reading.
const PAUSE: Duration = Duration::from_secs(10);
/// Pages from which a log that cannot be restarted is reported: 256 MiB.
const HELD_LOG: i64 = 128 * 1024;

/// Runs until the database is closed.
pub(crate) async fn run(db: SqliteDb) {
    let mut done = 0;
    let mut waited = 0;
    let mut restart_from = Instant::now();
    while !db.writer.is_closed() {
        tokio::time::sleep(TICK).await;
        let commits = db.commits.load(Ordering::Relaxed);
        waited += 1;
        if commits == done || (commits - done < COMMITS && waited < QUIET_TICKS) {
            continue;
        }
        done = commits;
        waited = 0;
        match checkpoint(&db, Instant::now() >= restart_from).await {
            Ok(Outcome::Held(pages)) => {
                restart_from = Instant::now() + PAUSE;
                report(db.file.path(), pages);
            }
            Ok(Outcome::Done) | Err(sqlx::Error::PoolClosed) => {}
            Err(error) => {
                let error = db.seen(error);
                tracing::warn!(%error, file = %db.file.path().display(), "checkpoint failed");
            }
        }
    }
}

enum Outcome {
    Done,
    /// The log has that many pages, and a reader still uses an old part of it.
    Held(i64),
}

async fn checkpoint(db: &SqliteDb, may_restart: bool) -> sqlx::Result<Outcome> {
    const PASSIVE: &str = "pragma wal_checkpoint(passive)";
    const RESTART: &str = "pragma wal_checkpoint(restart)";
    let (_, log, _): (i64, i64, i64) = sqlx::query_as(PASSIVE).fetch_one(&db.checkpointer).await?;
    if log <= LONG_LOG || !may_restart {
        return Ok(Outcome::Done);
    }
    let mut writer = db.writer.acquire().await?;
    wait_for(&mut writer, PATIENCE).await?;
    let restarted = sqlx::query_as(RESTART).fetch_one(&mut *writer).await;
    wait_for(&mut writer, BUSY).await?;
    let (busy, log, _): (i64, i64, i64) = restarted?;
    Ok(if busy == 0 { Outcome::Done } else { Outcome::Held(log) })
}

/// How long the connection waits for locks.
async fn wait_for(connection: &mut SqliteConnection, patience: Duration) -> sqlx::Result<()> {
    let set = sqlx::AssertSqlSafe(format!("pragma busy_timeout = {}", patience.as_millis()));
    sqlx::query(set).execute(connection).await.map(drop)
}

fn report(file: &Path, pages: i64) {
    if pages >= HELD_LOG {
        let mib = pages * 2 / 1024;
        let file = file.display();
        tracing::warn!(%file, mib, "the write-ahead log keeps growing: another process keeps reading the file");
    }
}
