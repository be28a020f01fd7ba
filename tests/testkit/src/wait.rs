//! Waiting for conditions.

use std::time::{Duration, Instant};

/// Waits for a condition, for at most a minute.
///
/// # Panics
/// If it does not become true.
pub async fn wait_until(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let patience = Instant::now() + Duration::from_mins(1);
    while !check().await {
        assert!(Instant::now() < patience, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
