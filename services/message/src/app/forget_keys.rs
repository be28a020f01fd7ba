//! Drops idempotency keys whose time is over, in small steps.

use std::{sync::Arc, time::Duration};

use tidings_domain::Clock;
use tidings_runtime::Shutdown;
use tidings_store::Db;

use crate::store::key;

const PAUSE: Duration = Duration::from_mins(1);

/// Runs until shutdown.
pub fn spawn(db: Db, clock: Arc<dyn Clock>, shutdown: Shutdown) {
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = shutdown.triggered() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
            loop {
                match key::forget(&db, clock.now()).await {
                    Ok(true) => tokio::task::yield_now().await,
                    Ok(false) => break,
                    Err(error) => {
                        tracing::warn!(%error, "old idempotency keys could not be dropped");
                        break;
                    }
                }
            }
        }
    });
}
