//! Removes the data of deleted apps from the databases of this process.
//!
//! An app's rows are only removed because the directory reports it as deleted, and when, never because it does not know
//! the app. So restoring the directory from an old backup loses no data.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tidings_directory_client::DirectoryCache;
use tidings_domain::{AppId, Error};
use tidings_runtime::{Task, Tasks};
use tidings_store::{AppRows, Db};

/// The interval between two runs.
const PAUSE: Duration = Duration::from_secs(10);

/// What each service of this process stores for apps.
pub type ServiceRows = Vec<(Db, AppRows)>;

struct Worker {
    directory: DirectoryCache,
    kept: ServiceRows,
}

/// Runs until shutdown, if there is anything to remove.
pub fn spawn(tasks: &Tasks, directory: DirectoryCache, kept: ServiceRows) {
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
        // A deleted app receives nothing more, so one pass per app is enough.
        let mut empty = HashSet::new();
        loop {
            tokio::time::sleep(PAUSE).await;
            if let Err(error) = self.remove_all(&mut empty).await {
                tracing::warn!(%error, "data of deleted apps could not be removed");
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
                tracing::info!(%app, rows = removed, "data of a deleted app was removed");
            }
            empty.insert(app);
        }
        Ok(())
    }
}
