//! Admin tokens: they authorize as the app, never expire, and can be listed and revoked (decision 4).

use tidings_domain::Error;

use super::Core;
use crate::{
    model::{AdminToken, AppKey},
    secret::Secret,
    store,
    token::{self, Holder},
};

const MAX_LABEL: usize = 128;

impl Core {
    /// The token and its text, which is not stored.
    pub(crate) async fn create_admin_token(&self, key: &AppKey, label: String) -> Result<(AdminToken, Secret), Error> {
        if label.len() > MAX_LABEL || label.contains('\0') {
            return Err(Error::invalid("label", "must be at most 128 bytes without U+0000"));
        }
        let mut tx = self.db.begin().await?;
        let (app, row) = self.locked_app(&mut tx, key).await?;
        let token_key = row.open(&self.data_key)?.token_key;
        let Some(id) = store::admin_token::take_id(&mut tx, app.id).await? else {
            return Err(key.not_found());
        };
        let now = self.clock.now();
        let admin_token = AdminToken { id, label, created_at: now, revoked_at: None };
        store::admin_token::insert(&mut tx, app.id, &admin_token).await?;
        tx.commit().await?;
        let text = token::sign(&token_key.current, &app.lanying_app_id, Holder::Admin(id), now, None);
        Ok((admin_token, text))
    }

    /// Including revoked ones.
    pub(crate) async fn list_admin_tokens(&self, key: &AppKey) -> Result<Vec<AdminToken>, Error> {
        let known = self.known_app(key).await?;
        store::admin_token::list(&self.db, known.app.id).await
    }

    /// Revoking twice changes nothing.
    pub(crate) async fn revoke_admin_token(&self, key: &AppKey, id: i64) -> Result<AdminToken, Error> {
        let known = self.known_app(key).await?;
        let mut tx = self.db.begin().await?;
        let Some(revoked) = store::admin_token::revoke(&mut tx, known.app.id, id, self.clock.now()).await? else {
            return Err(Error::invalid("id", format!("{id} is not an admin token of the app")));
        };
        tx.commit().await?;
        Ok(revoked)
    }
}
