//! A short-lived cache of app rows, so that authenticating does not read and decrypt them every time.
//!
//! An entry is at most two seconds old, which is how long another process's change may go unnoticed. This process's own
//! changes take effect at once.

use std::{future::Future, sync::Arc, time::Duration};

use tidings_domain::{App, Error, UnixMillis};
use tidings_runtime::TtlCache;

use crate::model::{AppKey, KnownApp};

const KEPT: usize = 1024;
const FRESH: Duration = Duration::from_secs(2);

/// Apps by each of their names.
pub(crate) struct AppCache(TtlCache<AppKey, Arc<KnownApp>>);

impl AppCache {
    pub(crate) fn new() -> Self {
        Self(TtlCache::new(KEPT, |_, _| FRESH))
    }

    /// The app of that name, from `read` if it is not cached.
    pub(crate) async fn get(
        &self,
        key: &AppKey,
        now: UnixMillis,
        read: impl Future<Output = Result<Arc<KnownApp>, Error>>,
    ) -> Result<Arc<KnownApp>, Error> {
        match self.0.get(key, now) {
            Some(known) => Ok(known),
            None => self.0.load(key, now, read).await,
        }
    }

    /// Must be called after the change is committed. A row that was read before it is not stored.
    pub(crate) fn changed(&self, app: &App) {
        for key in AppKey::all_of(app) {
            self.0.remove(&key);
        }
    }
}
