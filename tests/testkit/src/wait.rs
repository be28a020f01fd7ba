//! Waiting for conditions.

use std::time::{Duration, Instant};

/// How long it may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(2);

/// Waits for a condition, for at most two minutes.
///
/// # Panics
/// If it does not become true.
pub async fn wait_until(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !check().await {
        assert!(Instant::now() < until, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
