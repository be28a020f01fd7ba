//! Notifies others of a commit.

use tokio::sync::watch;

/// Notified when a transaction is committed.
pub type CommitSignal = watch::Sender<()>;
