//! Counts waiting deliveries, for the metrics.

use std::{sync::Arc, time::Duration};

use tidings_domain::Error;
use tidings_runtime::metrics;

use crate::{app::Core, store};

const PAUSE: Duration = Duration::from_secs(10);
/// Deliveries of one endpoint that are counted.
const MOST: i64 = 1000;

/// Runs forever.
pub async fn run(core: Arc<Core>) {
    loop {
        if let Err(error) = measure(&core).await {
            tracing::debug!(%error, "waiting deliveries could not be counted");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Of every endpoint that is not paused, regardless of the process that serves it.
async fn measure(core: &Core) -> Result<(), Error> {
    let (mut waiting, mut overdue) = (0, Duration::ZERO);
    for endpoint in store::endpoint::list(&core.deps.db, &core.key, None).await? {
        if endpoint.paused.is_none() {
            let which = (endpoint.app, endpoint.id);
            let (count, first_due) = store::delivery::waiting(&core.deps.db, which, MOST).await?;
            waiting += count;
            let late = first_due.map_or(Duration::ZERO, |due| core.deps.clock.now() - due);
            overdue = overdue.max(late);
        }
    }
    metrics().callback.waiting(waiting, overdue);
    Ok(())
}
