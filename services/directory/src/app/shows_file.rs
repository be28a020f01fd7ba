//! Whether anything in the directory references a file.

use tidings_domain::{AppId, Error};

use super::Core;
use crate::store;

impl Core {
    /// The current state: a profile or group that was committed before this call counts.
    pub(crate) async fn shows_file(&self, app: AppId, uuid: &str) -> Result<bool, Error> {
        store::shown_file::is_shown(&self.db, app, uuid).await
    }
}
