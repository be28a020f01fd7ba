//! Whether the broker is reached: in the metrics, and in the log once for each outage.

use std::sync::{Mutex, PoisonError};

use tidings_runtime::metrics;

/// The state that was told last.
#[derive(Debug, Default)]
pub(crate) struct Standing(Mutex<Option<bool>>);

impl Standing {
    /// The broker is reached.
    pub fn up(&self) {
        if self.changes_to(true) {
            tracing::info!("the bus is connected");
        }
    }

    /// It is not, for a reason.
    pub fn down(&self, why: &str) {
        if self.changes_to(false) {
            tracing::warn!(why, "the bus is not connected: other processes see what this one does a moment later");
        }
    }

    fn changes_to(&self, up: bool) -> bool {
        metrics().bus.connected(up);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(up) != Some(up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_once() {
        let standing = Standing::default();
        let told: Vec<bool> =
            [false, false, true, true, false, true].into_iter().map(|up| standing.changes_to(up)).collect();
        assert_eq!(told, [true, false, true, false, true, true]);
    }
}
