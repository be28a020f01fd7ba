//! Hints to look for something new, between the tasks and the processes of an installation.
//!
//! A hint says where to look and never what was written. Any of them may be lost, repeated, late or out of order:
//! a task that waits for one also polls, and what is stored is the truth.

mod local;

use std::fmt;

use tidings_domain::AppId;

pub use self::local::{LocalBus, Subscription};

/// Where something new may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hint {
    /// The app has new events in the log.
    Events(AppId),
    /// The directory has changes that are not in the log yet. They are fetched for all apps at once.
    Changes,
}

/// Passes hints on.
pub trait Bus: fmt::Debug + Send + Sync {
    /// Wakes those who wait for this hint: in this process at once, in others soon or never. Never waits and never fails.
    fn publish(&self, hint: Hint);

    /// Waits for this hint from now on.
    fn subscribe(&self, hint: Hint) -> Subscription;
}
