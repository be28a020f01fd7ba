//! Keeps app rows for a moment, so that authenticating does not read and decrypt them every time.
//!
//! An entry is at most two seconds old, which is how long another process's change may stay unseen. This process's
//! own changes are seen at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use quick_cache::sync::Cache;
use tidings_domain::{App, UnixMillis};

use crate::model::{AppKey, KnownApp};

const KEPT: usize = 1024;
const FRESH: Duration = Duration::from_secs(2);

/// Apps by each of their names.
pub(crate) struct AppCache {
    entries: Cache<AppKey, (Arc<KnownApp>, UnixMillis)>,
    /// Goes up with every change, so that a row read before a change is not kept after it.
    changes: AtomicU64,
}

/// Taken before a row is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before(u64);

impl AppCache {
    pub(crate) fn new() -> Self {
        Self { entries: Cache::new(KEPT), changes: AtomicU64::new(0) }
    }

    pub(crate) fn get(&self, key: &AppKey, now: UnixMillis) -> Option<Arc<KnownApp>> {
        let (known, read_at) = self.entries.get(key)?;
        let fresh = read_at <= now && now - read_at < FRESH;
        fresh.then_some(known)
    }

    pub(crate) fn before_read(&self) -> Before {
        Before(self.changes.load(Ordering::SeqCst))
    }

    pub(crate) fn put(&self, key: AppKey, known: &Arc<KnownApp>, read_at: UnixMillis, before: Before) {
        self.entries.insert(key.clone(), (Arc::clone(known), read_at));
        if self.changes.load(Ordering::SeqCst) != before.0 {
            self.entries.remove(&key);
        }
    }

    /// To be called after the change is committed.
    pub(crate) fn changed(&self, app: &App) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        for key in AppKey::all_of(app) {
            self.entries.remove(&key);
        }
    }
}
