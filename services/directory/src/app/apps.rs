//! Reads, disables, deletes apps and sets their policies.

use tidings_domain::{App, AppId, Error, PolicyChange, UnixMillis};

use super::{Core, page::page};
use crate::{
    model::{AppKey, KnownApp},
    store,
};

impl Core {
    pub(crate) async fn list_apps(&self, after: i64, limit: i64) -> Result<(Vec<App>, Option<AppId>), Error> {
        let rows = store::app::list(&self.db, after, limit + 1).await?;
        let apps = rows.iter().map(store::app_row::AppRow::app).collect::<Result<_, _>>()?;
        Ok(page(apps, limit, |app: &App| app.id))
    }

    pub(crate) async fn deleted_apps(
        &self,
        after: i64,
        limit: i64,
    ) -> Result<(Vec<(AppId, UnixMillis)>, Option<AppId>), Error> {
        Ok(page(store::app::deleted(&self.db, after, limit + 1).await?, limit, |(app, _)| *app))
    }

    /// The current app, for clients that cache it: an answer from this process's cache would add its own age.
    pub(crate) async fn get_app(&self, key: &AppKey) -> Result<App, Error> {
        let found = store::app::find(&self.db, key).await?;
        found.ok_or_else(|| key.not_found())?.app()
    }

    /// The app with its current secrets, not the cached ones.
    pub(crate) async fn reveal_app(&self, key: &AppKey) -> Result<KnownApp, Error> {
        let Some(row) = store::app::find(&self.db, key).await? else {
            return Err(key.not_found());
        };
        row.open(&self.data_key)
    }

    pub(crate) async fn set_app_enabled(&self, key: &AppKey, enabled: bool) -> Result<App, Error> {
        let mut tx = self.db.begin().await?;
        let (app, _) = self.locked_app(&mut tx, key).await?;
        store::app::set_enabled(&mut tx, app.id, enabled).await?;
        self.commit_change(tx, &app).await?;
        Ok(App { enabled, ..app })
    }

    /// The row stays, so that its number is never reused; its names are free from now on. Its screening settings are
    /// removed: they contain words and tokens of others.
    pub(crate) async fn delete_app(&self, key: &AppKey) -> Result<App, Error> {
        let mut tx = self.db.begin().await?;
        let (app, _) = self.locked_app(&mut tx, key).await?;
        store::app::delete(&mut tx, app.id, self.clock.now()).await?;
        store::word_list::delete_all(&mut tx, app.id).await?;
        store::hook::delete_all(&mut tx, app.id).await?;
        self.commit_change(tx, &app).await?;
        Ok(app)
    }

    pub(crate) async fn set_policy(&self, key: &AppKey, change: &PolicyChange) -> Result<App, Error> {
        let mut tx = self.db.begin().await?;
        let (app, row) = self.locked_app(&mut tx, key).await?;
        let policy = store::app::set_policy(&mut tx, app.id, &row, change).await?;
        self.commit_change(tx, &app).await?;
        Ok(App { policy, ..app })
    }
}
