//! Says whom a token stands for: at most one read beside the app's.

use tidings_domain::{App, Error, Reason, UserRef, Username};

use super::{Core, issue_token::enabled};
use crate::{
    access_token2::{self, Claim},
    dynamic_token,
    model::{AppKey, Identity, KnownApp, KnownUser},
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
        if text.starts_with(access_token2::PREFIX) || text.starts_with(dynamic_token::PREFIX) {
            let (user, expires) = self.built_outside(&known, text).await?;
            return Ok(identity(app, user, expires));
        }
        let (holder, expires) = token::verify(&known.token_key, &app.lanying_app_id, text, self.clock.now())?;
        let username = self.unrevoked(&app, holder).await?;
        Ok(Identity { app, holder: Some(holder), username, expires })
    }

    /// Whom a token stands for that the app's own server built, and the second at which it ends. `None` is the app.
    pub(super) async fn built_outside(&self, known: &KnownApp, text: &str) -> Result<(Option<KnownUser>, i64), Error> {
        let now = self.clock.now();
        if text.starts_with(dynamic_token::PREFIX) {
            let (name, expires) = dynamic_token::verify(known, text, now)?;
            return Ok((Some(self.holder(known, &name, false).await?), expires));
        }
        match access_token2::verify(&known.app_certificate, &known.agora_app_id, text, now)? {
            (Claim::App, expires) => Ok((None, expires)),
            (Claim::User(user), expires) => Ok((Some(self.holder(known, &user, true).await?), expires)),
        }
    }

    /// The user that such a token names. One who is not registered has no tokens.
    async fn holder(&self, known: &KnownApp, name: &str, or_uuid: bool) -> Result<KnownUser, Error> {
        let app = known.app.id;
        let by_uuid = if or_uuid { store::user::find_by_uuid(&self.db, app, name).await? } else { None };
        let found = match (by_uuid, Username::parse(name)) {
            (Some(found), _) => Some(found).filter(|known| known.user.registered),
            (None, Ok(name)) => self.registered_user(app, &UserRef::Name(name)).await?,
            (None, Err(_)) => None,
        };
        enabled(found.ok_or_else(|| token::refused(Reason::TokenRevoked))?)
    }

    /// The username of a user token whose holder may still use it; empty for the app's own tokens.
    async fn unrevoked(&self, app: &App, holder: Holder) -> Result<String, Error> {
        let username = match holder {
            Holder::App => Some(String::new()),
            Holder::Admin(id) => {
                let found = store::admin_token::find(&self.db, app.id, id).await?;
                found.filter(|token| token.revoked_at.is_none()).map(|_| String::new())
            }
            Holder::User(user, epoch) => {
                let found = store::users::find_by_id(&self.db, app.id, user).await?;
                let good = found.filter(|known| known.token_epoch == epoch);
                good.map(enabled).transpose()?.map(|known| known.user.username.unwrap_or_default())
            }
        };
        username.ok_or_else(|| token::refused(Reason::TokenRevoked))
    }
}

fn identity(app: App, user: Option<KnownUser>, expires: i64) -> Identity {
    let holder = user.as_ref().map_or(Holder::App, |known| Holder::User(known.user.id, known.token_epoch));
    let username = user.and_then(|known| known.user.username).unwrap_or_default();
    Identity { app, holder: Some(holder), username, expires: Some(expires) }
}
