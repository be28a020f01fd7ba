//! Changes that are not in the event feed yet, for the message service.
//!
//! There is no cursor: what is in the feed is removed. So a change that becomes visible after younger ones, whose
//! transactions were shorter, is only late. Those of one group never are: it is locked while its changes get their ids.

use std::{sync::Arc, time::Duration};

use tidings_domain::Error;
use tidings_runtime::{Hint, Task, Tasks, fault};
use tokio::time::{Instant, sleep, timeout};

use super::Core;
use crate::store::{self, change::RecordedRow};

/// The maximum delay until changes are seen whose hint was lost, as that of every other process is without a bus between
/// them.
const LOOK: Duration = Duration::from_millis(300);
/// Changes committed within this time are taken at once.
const GATHER: Duration = Duration::from_millis(3);

/// Hints at what this process commits, until shutdown.
pub(crate) fn spawn(core: &Arc<Core>, tasks: &Tasks) {
    let bus = Arc::clone(&core.bus);
    tasks.run(Task::new("directory.hint_at_changes"), move || {
        let bus = Arc::clone(&bus);
        async move {
            let mut added = store::change::added();
            // The signal is never dropped.
            while added.changed().await.is_ok() {
                bus.publish(Hint::Changes);
            }
        }
    });
}

impl Core {
    /// The oldest changes of all apps, up to `limit`; empty if there was none for as long as `wait`.
    pub(crate) async fn take_changes(&self, limit: i64, wait: Duration) -> Result<Vec<RecordedRow>, Error> {
        let until = Instant::now() + wait;
        let mut hints = self.bus.subscribe(Hint::Changes);
        loop {
            hints.mark_seen();
            let found = store::change::oldest(&self.db, limit).await?;
            let left = until.saturating_duration_since(Instant::now());
            if !found.is_empty() || left.is_zero() {
                return Ok(found);
            }
            let look = if fault::is_without("directory.looks") { left } else { LOOK.min(left) };
            if timeout(look, hints.hinted()).await.is_ok() {
                sleep(GATHER.min(left)).await;
            }
        }
    }

    /// Removes changes that are in the feed.
    pub(crate) async fn remove_changes(&self, changes: &[i64]) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        store::change::remove(&mut tx, changes).await?;
        tx.commit().await
    }
}
