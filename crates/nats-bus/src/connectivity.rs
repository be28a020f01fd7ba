//! Whether the broker is reached: in the metrics, and in the log once for each outage.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tidings_runtime::metrics::{DroppedHints, metrics};

/// The state that was logged last.
#[derive(Debug, Default)]
pub(crate) struct Connectivity(Mutex<Logged>);

#[derive(Debug, Default)]
struct Logged {
    up: Option<bool>,
    /// Since it is up.
    refused: bool,
}

impl Connectivity {
    /// The broker is reached.
    pub fn up(&self) {
        if self.changes_to(true) {
            tracing::info!("the bus is connected");
        }
    }

    /// It is not, for a reason.
    pub fn down(&self, why: &str) {
        if self.changes_to(false) {
            tracing::warn!(why, "the bus is not connected: other processes see this one's changes with a short delay");
        }
    }

    /// It is reached and refuses a message or a subscription.
    pub fn refuses(&self, why: &str) {
        metrics().bus.dropped(DroppedHints::Refused, 1);
        if !std::mem::replace(&mut self.logged().refused, true) {
            tracing::warn!(why, "the bus refuses hints: other processes see this one's changes with a short delay");
        }
    }

    fn changes_to(&self, up: bool) -> bool {
        metrics().bus.connected(up);
        let mut logged = self.logged();
        let is_new = logged.up != Some(up);
        if is_new {
            *logged = Logged { up: Some(up), refused: false };
        }
        is_new
    }

    fn logged(&self) -> MutexGuard<'_, Logged> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_logged_once() {
        let connectivity = Connectivity::default();
        let logged: Vec<bool> =
            [false, false, true, true, false, true].into_iter().map(|up| connectivity.changes_to(up)).collect();
        assert_eq!(logged, [true, false, true, false, true, true]);
    }
}
