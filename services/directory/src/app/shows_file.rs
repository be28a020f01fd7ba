//! Whether anything in the directory shows a file.

use tidings_domain::{AppId, Error};

use super::Core;
use crate::store;

impl Core {
    /// As it is now: a profile or group that is committed before this is asked counts.
    pub(crate) async fn shows_file(&self, app: AppId, uuid: &str) -> Result<bool, Error> {
        store::shown_file::is_shown(&self.db, app, uuid).await
    }
}
