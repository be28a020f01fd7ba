//! Everything that is screened before a message is appended to an app's log.

use tidings_domain::{AppId, Error, Screening};

use super::Core;
use crate::{model::AppKey, store};

impl Core {
    /// The current state, not the cached one. A change during the read is returned with the version before it: a cache
    /// keyed by the version then sees another version and queries again.
    pub(crate) async fn screening(&self, app: AppId) -> Result<Screening, Error> {
        let key = AppKey::Id(app);
        let Some(row) = store::app::find(&self.db, &key).await? else {
            return Err(key.not_found());
        };
        let version = row.app()?.screening;
        let lists = store::word_list::all(&self.db, app).await?;
        let hooks = store::hook::list(&self.db, app, &self.data_key).await?;
        Ok(Screening { version, lists, hooks })
    }
}
