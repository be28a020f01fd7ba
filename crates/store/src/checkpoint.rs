//! Plans SQLite's checkpoints, so that no commit pays for one.
//!
//! A passive checkpoint copies what it can beside the writer. It cannot start the log over while the writer keeps
//! appending, so when the log has grown long, one that can runs on the writer's own connection right after a passive
//! one, when little is left to copy.

use std::{sync::atomic::Ordering, time::Duration};

use crate::db::SqliteDb;

const TICK: Duration = Duration::from_millis(200);
/// Commits after which a passive checkpoint is worth its syncs.
const COMMITS: u64 = 500;
/// Ticks after which even a few commits are copied.
const QUIET_TICKS: u32 = 25;
/// Pages of 4 KiB in the log from which it is started over: 64 MiB.
const LONG_LOG: i64 = 16 * 1024;

/// Runs until the database is closed.
pub(crate) fn spawn(db: SqliteDb) {
    tokio::spawn(async move {
        let mut done = 0;
        let mut waited = 0;
        while !db.writer.is_closed() {
            tokio::time::sleep(TICK).await;
            let commits = db.commits.load(Ordering::Relaxed);
            waited += 1;
            if commits == done || (commits - done < COMMITS && waited < QUIET_TICKS) {
                continue;
            }
            done = commits;
            waited = 0;
            checkpoint(&db).await;
        }
    });
}

async fn checkpoint(db: &SqliteDb) {
    const PASSIVE: &str = "pragma wal_checkpoint(passive)";
    const RESTART: &str = "pragma wal_checkpoint(restart)";
    let passive: Result<(i64, i64, i64), _> = sqlx::query_as(PASSIVE).fetch_one(&db.checkpointer).await;
    match passive {
        Ok((_, log, _)) if log > LONG_LOG => {
            let restart = sqlx::query(RESTART).execute(&db.writer).await;
            if let Err(error) = restart {
                tracing::warn!(%error, "the write-ahead log could not be started over");
            }
        }
        Ok(_) | Err(sqlx::Error::PoolClosed) => {}
        Err(error) => tracing::warn!(%error, "checkpoint failed"),
    }
}
