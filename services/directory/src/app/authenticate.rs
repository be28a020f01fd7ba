//! Verifies tokens: at most two reads in addition to the app's.

use tidings_domain::{App, Error, Reason};

use super::{
    Core,
    built_token::{Built, is_built},
    subject::enabled,
};
use crate::{
    model::{AppKey, Identity},
    store,
    token::{self, Holder},
};

impl Core {
    pub(crate) async fn authenticate(&self, key: &AppKey, text: &str) -> Result<Identity, Error> {
        let known = self.enabled_app(key).await?;
        let app = known.app.clone();
        if text.is_empty() {
            return Ok(Identity { app, holder: None, username: String::new(), expires: None });
        }
        if is_built(text) {
            let built = self.built_token(&known, text).await.map_err(of_nobody)?;
            return Ok(built.identity(app));
        }
        let (holder, expires) = token::verify(&known.token_key, &app.lanying_app_id, text, self.clock.now())?;
        let username = self.unrevoked(&app, holder).await?;
        Ok(Identity { app, holder: Some(holder), username, expires })
    }

    /// The username of a user token that is still valid; empty for the app's own tokens.
    async fn unrevoked(&self, app: &App, holder: Holder) -> Result<String, Error> {
        let username = match holder {
            Holder::App => Some(String::new()),
            Holder::Admin(id) => {
                let found = store::admin_token::find(&self.db, app.id, id).await?;
                found.filter(|token| token.revoked_at.is_none()).map(|_| String::new())
            }
            Holder::User(user, epoch) => {
                let found = store::users::find_by_id(&self.db, app.id, user).await?;
                // Disabling revokes tokens too, and is the more precise error.
                let good = found.map(enabled).transpose()?.filter(|known| known.token_epoch == epoch);
                good.map(|known| known.user.username.unwrap_or_default())
            }
        };
        username.ok_or_else(|| token::refused(Reason::TokenRevoked))
    }
}

impl Built {
    fn identity(self, app: App) -> Identity {
        let holder = self.user.as_ref().map_or(Holder::App, |known| Holder::User(known.user.id, known.token_epoch));
        let username = self.user.and_then(|known| known.user.username).unwrap_or_default();
        Identity { app, holder: Some(holder), username, expires: Some(self.expires) }
    }
}

/// The call is not about the user of its token, so the token is invalid: like one of ours whose user was deleted.
fn of_nobody(error: Error) -> Error {
    match error.reason() {
        Reason::UserNotFound => Error::new(Reason::TokenRevoked, "there is no such user").because(error),
        _ => error,
    }
}
