//! Which connections are no longer trusted.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

/// When a connection was last found broken or frozen. All that were idle at that time probably are too, and are
/// replaced without waiting for each of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Invalidation(Arc<Mutex<Option<Instant>>>);

impl Invalidation {
    pub(crate) fn raise(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether this applies to a connection that has been idle for so long.
    pub(crate) fn include(&self, idle_for: std::time::Duration) -> bool {
        let raised = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        raised.is_some_and(|raised| idle_for >= raised.elapsed())
    }
}
