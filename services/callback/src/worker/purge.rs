//! Forgets deliveries that are long done.

use std::{sync::Arc, time::Duration};

use tidings_domain::{Error, UnixMillis};

use crate::{app::Core, store::delivery};

const PAUSE: Duration = Duration::from_mins(1);
/// How long what was delivered can be looked at.
const DELIVERED: Duration = Duration::from_hours(3 * 24);
/// How long what was given up can be delivered again.
const DEAD: Duration = Duration::from_hours(30 * 24);
/// Deliveries of one step.
const STEP: i64 = 500;

/// Runs until shutdown.
pub async fn run(core: Arc<Core>) {
    loop {
        tokio::select! {
            () = core.deps.shutdown.triggered() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
        if let Err(error) = purge(&core).await {
            tracing::warn!(%error, "old deliveries could not be purged");
        }
    }
}

async fn purge(core: &Core) -> Result<(), Error> {
    let now = core.deps.clock.now();
    let before = |age: Duration| UnixMillis(now.0 - age.as_millis() as i64);
    loop {
        let mut tx = core.deps.db.begin().await?;
        let purged = delivery::purge(&mut tx, before(DELIVERED), before(DEAD), STEP).await?;
        tx.commit().await?;
        if purged < STEP {
            return Ok(());
        }
    }
}
