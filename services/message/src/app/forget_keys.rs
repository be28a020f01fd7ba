//! Removes expired idempotency keys, in small steps.

use std::{sync::Arc, time::Duration};

use tidings_runtime::Task;

use crate::{Deps, store::key};

const PAUSE: Duration = Duration::from_mins(1);

/// Runs until shutdown.
pub fn spawn(deps: &Arc<Deps>) {
    let working = Arc::clone(deps);
    deps.tasks.run(Task::new("message.forget_keys"), move || run(Arc::clone(&working)));
}

async fn run(deps: Arc<Deps>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        loop {
            match key::forget(&deps.db, deps.clock.now()).await {
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "old idempotency keys could not be removed");
                    break;
                }
            }
        }
    }
}
