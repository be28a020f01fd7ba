//! Removes what deleted apps left in the databases of this process.
//!
//! An app's rows go only because the directory says that it was deleted, and when, not because it does not know the app.
//! So a directory that was restored from an old backup costs no data.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tidings_directory_client::DirectoryCache;
use tidings_domain::{AppId, Error};
use tidings_runtime::{Task, Tasks};
use tidings_store::{AppRows, Db};

/// What lies between two looks.
const PAUSE: Duration = Duration::from_secs(10);

/// What each service of this process keeps for apps.
pub type Kept = Vec<(Db, AppRows)>;

struct Worker {
    directory: DirectoryCache,
    kept: Kept,
}

/// Runs until shutdown, where there is anything to remove.
pub fn spawn(tasks: &Tasks, directory: DirectoryCache, kept: Kept) {
    if kept.is_empty() {
        return;
    }
    let worker = Arc::new(Worker { directory, kept });
    tasks.run(Task::new("removal of deleted apps"), move || {
        let worker = Arc::clone(&worker);
        async move { worker.run().await }
    });
}

impl Worker {
    async fn run(&self) {
        // Nothing comes to a deleted app any more, so each is gone through once.
        let mut empty = HashSet::new();
        loop {
            tokio::time::sleep(PAUSE).await;
            if let Err(error) = self.remove_all(&mut empty).await {
                tracing::warn!(%error, "what deleted apps left could not be removed");
            }
        }
    }

    async fn remove_all(&self, empty: &mut HashSet<AppId>) -> Result<(), Error> {
        for app in self.directory.forgotten_apps().await? {
            if empty.contains(&app) {
                continue;
            }
            let mut removed = 0;
            for (db, rows) in &self.kept {
                removed += rows.remove(db, app).await?;
            }
            if removed > 0 {
                tracing::info!(%app, rows = removed, "what a deleted app left was removed");
            }
            empty.insert(app);
        }
        Ok(())
    }
}
