//! The times that an envelope shows.

use tidings_domain::UnixMillis;

/// An envelope's times, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Since 1970.
    pub timestamp: i64,
    /// How long the call took.
    pub duration: i64,
}

impl Timing {
    /// Of a recorded answer (decision 1).
    pub fn recorded(accepted_at: UnixMillis, committed_at: UnixMillis) -> Self {
        Self { timestamp: committed_at.0, duration: (committed_at.0 - accepted_at.0).max(0) }
    }
}
