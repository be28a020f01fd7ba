//! Waiting for conditions.

use std::time::{Duration, Instant};

/// Waits for something to become true, for at most a minute.
///
/// # Panics
/// When it does not.
pub async fn wait_until(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let patience = Instant::now() + Duration::from_mins(1);
    while !check().await {
        assert!(Instant::now() < patience, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
