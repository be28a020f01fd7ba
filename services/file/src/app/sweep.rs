//! Removes files whose time is over and what uploads that never ended left, in small steps.

use std::{sync::Arc, time::Duration};

use tidings_domain::{Error, UnixMillis};

use super::{
    Core,
    delete::{discard, retire},
    upload::LONGEST,
};
use crate::store::{file, unclaimed};

const PAUSE: Duration = Duration::from_mins(1);
/// Objects of one step.
const STEP: i64 = 200;

/// Runs until shutdown.
pub fn spawn(core: Arc<Core>) {
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = core.deps.shutdown.triggered() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
            if let Err(error) = sweep(&core).await {
                tracing::warn!(%error, "old files could not be swept up");
            }
        }
    });
}

/// How many files and remains were removed.
pub async fn sweep(core: &Core) -> Result<usize, Error> {
    let (db, now) = (&core.deps.db, core.deps.clock.now());
    let mut removed = 0;
    loop {
        let expired = file::expired(db, now, STEP).await?;
        if expired.is_empty() {
            break;
        }
        for (app, uuid) in expired {
            removed += usize::from(retire(core, app, &uuid).await?);
        }
    }
    // An upload that still runs is younger than this.
    let by = UnixMillis(now.0 - 2 * LONGEST.as_millis() as i64);
    loop {
        let old = unclaimed::old(db, by, STEP).await?;
        if old.is_empty() {
            return Ok(removed);
        }
        for (app, uuid) in old {
            discard(core, app, &uuid).await?;
            removed += 1;
        }
    }
}
