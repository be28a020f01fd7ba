//! All that is looked at before a message goes into an app's log.

use tidings_domain::{AppId, Error, Screening};

use super::Core;
use crate::{model::AppKey, store};

impl Core {
    /// As it is now, not as the cache has it. What changes while it is read comes under the version before: whoever
    /// keeps it by its version then sees another one and asks again.
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
