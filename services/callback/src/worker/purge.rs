//! Removes old deliveries.

use std::{sync::Arc, time::Duration};

use tidings_domain::{App, Error, UnixMillis};
use tidings_runtime::metrics::{Purged, metrics};

use crate::{app::Core, store::delivery};

const PAUSE: Duration = Duration::from_mins(1);
/// Deliveries per step.
const STEP: i64 = 500;

/// Runs forever.
pub async fn run(core: Arc<Core>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        match every_app(&core).await {
            Ok(()) => metrics().upkeep.purge_finished(Purged::Deliveries, core.deps.clock.now()),
            Err(error) => tracing::warn!(%error, "old deliveries could not be purged"),
        }
    }
}

async fn every_app(core: &Core) -> Result<(), Error> {
    for app in core.deps.directory.apps().await? {
        // An error with one app does not affect the others.
        if let Err(error) = purge(core, &app).await {
            tracing::warn!(%error, app = %app.id, "old deliveries could not be purged");
        }
    }
    Ok(())
}

/// Removes what an app no longer keeps; returns how many.
pub async fn purge(core: &Core, app: &App) -> Result<i64, Error> {
    let now = core.deps.clock.now();
    let before = |age: Duration| UnixMillis(now.0 - age.as_millis() as i64);
    let (delivered, dead) = (before(app.policy.delivered_retention), before(app.policy.dead_retention));
    let mut purged = 0;
    loop {
        let mut tx = core.deps.db.begin().await?;
        let step = delivery::purge(&mut tx, app.id, delivered, dead, STEP).await?;
        tx.commit().await?;
        purged += step;
        metrics().upkeep.purged(Purged::Deliveries, step.unsigned_abs());
        if step < STEP {
            return Ok(purged);
        }
    }
}
