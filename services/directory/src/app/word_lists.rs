//! Sets, reads and deletes word lists.

use tidings_domain::{AppId, Error, Reason, WordList};

use super::Core;
use crate::{
    model::{
        AppKey,
        screening::{NewWordList, WordListSummary, check_list_name},
    },
    store,
};

impl Core {
    pub(crate) async fn set_word_list(&self, app: AppId, list: NewWordList) -> Result<WordListSummary, Error> {
        let mut tx = self.db.begin().await?;
        let (app, _) = self.locked_app(&mut tx, &AppKey::Id(app)).await?;
        let (lists, bytes) = store::word_list::others(&mut tx, app.id, &list.get().name).await?;
        list.check_room(lists, bytes)?;
        store::word_list::put(&mut tx, app.id, &list).await?;
        store::app::screening_changed(&mut tx, app.id).await?;
        self.commit_change(tx, &app).await?;
        Ok(list.summary())
    }

    pub(crate) async fn list_word_lists(&self, app: AppId) -> Result<Vec<WordListSummary>, Error> {
        store::word_list::list(&self.db, app).await
    }

    pub(crate) async fn get_word_list(&self, app: AppId, name: &str) -> Result<WordList, Error> {
        check_list_name(name)?;
        store::word_list::find(&self.db, app, name).await?.ok_or_else(|| not_found(name))
    }

    pub(crate) async fn delete_word_list(&self, app: AppId, name: &str) -> Result<WordListSummary, Error> {
        check_list_name(name)?;
        let mut tx = self.db.begin().await?;
        let (app, _) = self.locked_app(&mut tx, &AppKey::Id(app)).await?;
        let Some(deleted) = store::word_list::delete(&mut tx, app.id, name).await? else {
            return Err(not_found(name));
        };
        store::app::screening_changed(&mut tx, app.id).await?;
        self.commit_change(tx, &app).await?;
        Ok(deleted)
    }
}

fn not_found(name: &str) -> Error {
    Error::new(Reason::WordListNotFound, name)
}
