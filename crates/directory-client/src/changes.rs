//! The directory's changes, on their way to the event feed.

use std::time::Duration;

use tidings_domain::Error;
use tidings_proto::{error_from_status, internal};

use crate::DirectoryCache;

impl DirectoryCache {
    /// The oldest changes that are not removed; empty if there was none for as long as `wait`.
    pub async fn take_changes(&self, wait: Duration) -> Result<Vec<internal::RecordedChange>, Error> {
        let request = internal::TakeChangesRequest { limit: 0, wait_ms: wait.as_millis() as i32 };
        let answer = self.internal.clone().take_changes(request).await.map_err(error_from_status)?;
        Ok(answer.into_inner().changes)
    }

    /// Removes changes that are in the feed.
    pub async fn remove_changes(&self, change_ids: Vec<i64>) -> Result<(), Error> {
        let request = internal::RemoveChangesRequest { change_ids };
        self.internal.clone().remove_changes(request).await.map_err(error_from_status)?;
        Ok(())
    }
}
