//! Adds, lists and removes hooks.

use tidings_domain::{AppId, Error, Hook, Reason};

use super::Core;
use crate::{
    model::{
        AppKey,
        screening::{MAX_HOOKS, NewHook},
    },
    store,
};

impl Core {
    pub(crate) async fn add_hook(&self, app: AppId, new: NewHook) -> Result<Hook, Error> {
        let mut tx = self.db.begin().await?;
        let (app, _) = self.locked_app(&mut tx, &AppKey::Id(app)).await?;
        if store::hook::count(&mut tx, app.id).await? >= MAX_HOOKS {
            return Err(Error::invalid("hooks", format!("must be at most {MAX_HOOKS} in an app")));
        }
        let hook = store::hook::insert(&mut tx, app.id, &new, &self.data_key, &*self.entropy).await?;
        store::app::screening_changed(&mut tx, app.id).await?;
        self.commit_change(tx, &app).await?;
        Ok(hook)
    }

    pub(crate) async fn list_hooks(&self, app: AppId) -> Result<Vec<Hook>, Error> {
        store::hook::list(&self.db, app, &self.data_key).await
    }

    pub(crate) async fn remove_hook(&self, app: AppId, id: i64) -> Result<Hook, Error> {
        let mut tx = self.db.begin().await?;
        let (app, _) = self.locked_app(&mut tx, &AppKey::Id(app)).await?;
        let Some(removed) = store::hook::delete(&mut tx, app.id, id, &self.data_key).await? else {
            return Err(Error::new(Reason::HookNotFound, id.to_string()));
        };
        store::app::screening_changed(&mut tx, app.id).await?;
        self.commit_change(tx, &app).await?;
        Ok(removed)
    }
}
