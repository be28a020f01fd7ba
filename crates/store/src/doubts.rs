//! Which connections are not believed to stand any more.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

/// When a connection was last found cut or frozen. All that rested at that moment probably are, and are replaced without
/// waiting for each of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Doubts(Arc<Mutex<Option<Instant>>>);

impl Doubts {
    pub(crate) fn raise(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether a connection that has rested for so long is meant.
    pub(crate) fn include(&self, idle_for: std::time::Duration) -> bool {
        let raised = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        raised.is_some_and(|raised| idle_for >= raised.elapsed())
    }
}
