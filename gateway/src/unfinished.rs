//! What a stopping gateway waits for: clients being disconnected, and the report of that to the directory.

use tokio::sync::watch;

/// Counts it. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unfinished(watch::Sender<usize>);

/// A part of it, until it is dropped.
pub(crate) struct Part(watch::Sender<usize>);

impl Unfinished {
    /// Something begins.
    pub fn begin(&self) -> Part {
        self.0.send_modify(|count| *count += 1);
        Part(self.0.clone())
    }

    /// Waits until there is nothing.
    pub async fn none(&self) {
        let mut counted = self.0.subscribe();
        // The sender is owned by self, so waiting cannot fail.
        let _ = counted.wait_for(|count| *count == 0).await;
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn it_is_waited_for_until_every_part_has_ended() {
        let unfinished = Unfinished::default();
        unfinished.none().await;
        let (first, second) = (unfinished.begin(), unfinished.clone().begin());
        drop(first);
        assert!(timeout(Duration::ZERO, unfinished.none()).await.is_err());
        drop(second);
        unfinished.none().await;
    }
}
