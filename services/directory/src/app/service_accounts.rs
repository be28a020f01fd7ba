//! Service accounts: internal services that call over gRPC with a key of their own instead of the service key. Each is for
//! one app and opens what its scopes say. A key is random, so its hash needs no salt.

use sha2::{Digest as _, Sha256};
use tidings_domain::{ACCOUNT_KEY, App, Error, KeyScope, Reason, hex};

use super::Core;
use crate::{
    model::{AppKey, ServiceAccount},
    secret::{Secret, url_safe},
    store,
};

const MAX_NAME: usize = 128;

impl Core {
    /// The account and its key, which is not stored.
    pub(crate) async fn create_service_account(
        &self,
        app: &AppKey,
        name: String,
        scopes: Vec<KeyScope>,
    ) -> Result<(ServiceAccount, Secret), Error> {
        if name.is_empty() || name.len() > MAX_NAME || name.contains('\0') {
            return Err(Error::invalid("name", "must be 1 to 128 bytes without U+0000"));
        }
        if scopes.is_empty() {
            return Err(Error::invalid("scopes", "must not be empty"));
        }
        let mut tx = self.db.begin().await?;
        let (app, _) = self.locked_app(&mut tx, app).await?;
        let id = store::service_account::next_id(&mut tx, app.id).await?;
        let text = format!("{ACCOUNT_KEY}{}-{id}-{}", app.id.0, url_safe::<32>(&*self.entropy));
        let account = ServiceAccount { id, name, scopes, created_at: self.clock.now(), revoked_at: None };
        store::service_account::insert(&mut tx, app.id, &account, &hashed(&text)).await?;
        tx.commit().await?;
        Ok((account, Secret::new(text)))
    }

    /// Including revoked ones.
    pub(crate) async fn list_service_accounts(&self, app: &AppKey) -> Result<Vec<ServiceAccount>, Error> {
        let known = self.known_app(app).await?;
        store::service_account::list(&self.db, known.app.id).await
    }

    /// Revoking twice changes nothing.
    pub(crate) async fn revoke_service_account(&self, app: &AppKey, id: i64) -> Result<ServiceAccount, Error> {
        let known = self.known_app(app).await?;
        let mut tx = self.db.begin().await?;
        let Some(revoked) = store::service_account::revoke(&mut tx, known.app.id, id, self.clock.now()).await? else {
            return Err(Error::invalid("id", format!("{id} is not a service account of the app")));
        };
        tx.commit().await?;
        Ok(revoked)
    }

    /// The app of an account, which must be enabled, and the account's scopes.
    pub(crate) async fn check_account_key(
        &self,
        app: &AppKey,
        id: i64,
        hash: &[u8],
    ) -> Result<(App, Vec<KeyScope>), Error> {
        // An account of an app that was deleted is none any longer.
        let known = self.enabled_app(app).await.map_err(|error| match error.reason() {
            Reason::AppNotFound => forged(),
            _ => error,
        })?;
        let (account, known_hash) =
            store::service_account::find(&self.db, known.app.id, id).await?.ok_or_else(forged)?;
        if !Secret::new(known_hash).is(&hex(hash)) {
            return Err(forged());
        }
        if account.revoked_at.is_some() {
            return Err(Error::new(Reason::TokenRevoked, "the service account was revoked"));
        }
        Ok((known.app.clone(), account.scopes))
    }
}

fn forged() -> Error {
    Error::new(Reason::TokenForged, "there is no such service account")
}

fn hashed(text: &str) -> String {
    hex(&Sha256::digest(text))
}
