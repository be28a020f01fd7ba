//! The name of a SQLite file, for reports of damage.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tidings_domain::Reason;
use tokio::time::Instant;

use crate::error::reason;

/// The interval between log lines on the same damaged file.
const COMPLAINTS: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug)]
pub struct SqliteFile {
    path: PathBuf,
    /// When damage was last logged.
    complained: Mutex<Option<Instant>>,
}

impl SqliteFile {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, complained: Mutex::new(None) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Logs the file's name if the error says that it is damaged: callers see the damage, not the file.
    #[doc(hidden)]
    #[must_use]
    pub fn seen(&self, error: sqlx::Error) -> sqlx::Error {
        if reason(&error) == Reason::DataDamaged && self.may_complain() {
            let file = self.path.display();
            tracing::error!(%file, %error, "the database file is damaged: stop tidings, run tidings doctor, restore the file from a backup");
        }
        error
    }

    fn may_complain(&self) -> bool {
        let mut last = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        let may = last.is_none_or(|last| last.elapsed() >= COMPLAINTS);
        if may {
            *last = Some(Instant::now());
        }
        may
    }
}
