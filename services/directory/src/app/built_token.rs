//! Verifies a token built by the app's own server: an AccessToken2, or a dynamic user token (agora.md 10.1).

use tidings_domain::{AppId, Error, Reason, UserRef, Username};

use super::{Core, subject::enabled};
use crate::{
    access_token2::{self, Claim, Verified},
    dynamic_token,
    model::{KnownApp, KnownUser},
    store, token,
};

/// A valid token.
pub(super) struct Built {
    /// `None`: the app itself.
    pub(super) user: Option<KnownUser>,
    /// The second at which it expires.
    pub(super) expires: i64,
}

/// Whether a text is a token of this kind, by its prefix.
pub(super) fn is_built(text: &str) -> bool {
    text.starts_with(access_token2::PREFIX) || text.starts_with(dynamic_token::PREFIX)
}

impl Core {
    /// Verifies such a token. A user that it names must be registered, else they are not found, and enabled.
    pub(super) async fn built_token(&self, known: &KnownApp, text: &str) -> Result<Built, Error> {
        if text.is_empty() {
            return Err(token::refused(Reason::TokenMissing));
        }
        let (app, now) = (known.app.id, self.clock.now());
        if text.starts_with(dynamic_token::PREFIX) {
            let token = dynamic_token::verify(known, text, now)?;
            let user = self.user_by_name(app, &token.user).await?;
            return Ok(Built { user: Some(holder(user, token.user, token.issued)?), expires: token.ends });
        }
        match access_token2::verify(&known.app_certificate, &known.agora_app_id, text, now)? {
            Verified { claim: Claim::App, ends, .. } => Ok(Built { user: None, expires: ends }),
            Verified { claim: Claim::User(named), issued, ends } => {
                let user = self.user_by_name_or_uuid(app, &named).await?;
                Ok(Built { user: Some(holder(user, named, issued)?), expires: ends })
            }
        }
    }

    /// A text that is one user's name and another's UUID is ambiguous and refused: a user who registers such a name
    /// must not be able to act as the other one, nor the reverse.
    async fn user_by_name_or_uuid(&self, app: AppId, named: &str) -> Result<Option<KnownUser>, Error> {
        let by_name = self.user_by_name(app, named).await?;
        let by_uuid = match uuid::Uuid::try_parse(named) {
            Ok(uuid) => store::user::find_by_uuid(&self.db, app, &uuid.to_string()).await?,
            Err(_) => None,
        };
        Ok(match (by_name, by_uuid.filter(|known| known.user.registered)) {
            (Some(one), Some(other)) if one.user.id != other.user.id => None,
            (by_name, by_uuid) => by_name.or(by_uuid),
        })
    }

    /// No user has an invalid name.
    async fn user_by_name(&self, app: AppId, name: &str) -> Result<Option<KnownUser>, Error> {
        match Username::parse(name) {
            Ok(name) => self.registered_user(app, &UserRef::Name(name)).await,
            Err(_) => Ok(None),
        }
    }
}

/// The user, unless their tokens of that second were revoked: by a new password, a kick, disabling, or the deletion of
/// the user who had the name before.
fn holder(user: Option<KnownUser>, named: String, issued: i64) -> Result<KnownUser, Error> {
    let known = enabled(user.ok_or_else(|| Error::user_not_found(named))?)?;
    if issued <= known.tokens_void_until {
        return Err(token::refused(Reason::TokenRevoked));
    }
    Ok(known)
}
