//! Removes the endpoints of deleted apps, and their other data in small steps.
//!
//! The endpoints are removed first, so nothing more is posted or read for them; the counter is removed last, so after a
//! crash the rest is found again. An app that the directory merely does not know is left alone: it may be the wrong
//! directory.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tidings_domain::{AppId, Error};

use crate::{
    app::Core,
    store::{self, delivery},
};

/// The maximum time until a deleted app's endpoints stop.
const PAUSE: Duration = Duration::from_secs(10);
/// Deliveries per step.
const STEP: i64 = 500;

/// Runs forever.
pub async fn run(core: Arc<Core>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        if let Err(error) = every_app(&core).await {
            tracing::warn!(%error, "endpoints of deleted apps could not be removed");
        }
    }
}

async fn every_app(core: &Core) -> Result<(), Error> {
    let known = store::endpoint::apps(&core.deps.db).await?;
    if known.is_empty() {
        return Ok(());
    }
    let deleted: HashSet<AppId> = core.deps.directory.deleted_apps().await?.iter().map(|(app, _)| *app).collect();
    for app in known.into_iter().filter(|app| deleted.contains(app)) {
        forget(core, app).await?;
    }
    Ok(())
}

async fn forget(core: &Core, app: AppId) -> Result<(), Error> {
    let mut tx = core.deps.db.begin().await?;
    let ended = store::endpoint::delete_all(&mut tx, app).await?;
    tx.commit().await?;
    if ended > 0 {
        tracing::info!(%app, endpoints = ended, "the endpoints of a deleted app were removed");
        core.wake();
    }
    loop {
        let mut tx = core.deps.db.begin().await?;
        let step = delivery::forget(&mut tx, app, STEP).await?;
        if step < STEP {
            store::endpoint::forget_counters(&mut tx, app).await?;
        }
        tx.commit().await?;
        if step < STEP {
            return Ok(());
        }
    }
}
