//! Checks credentials and issues a token.

use std::sync::Arc;

use tidings_domain::{AppId, Error, NameRule, Reason, UserRef};

use super::{
    Core,
    built_token::Built,
    register_users::Registrar,
    subject::{enabled, not_found},
};
use crate::{
    guesses::{Guess, Target},
    model::{AppKey, Grant, Issued, KnownApp, KnownUser, NewUser, TokenRequest},
    password,
    queue::{Claim, Lane},
    secret::Secret,
    store,
    token::{self, Holder},
};

/// 60 days (agora.md 10.1).
const DEFAULT_TTL: i64 = 60 * 24 * 3600;
/// A hundred years.
const MAX_TTL: i64 = 100 * 365 * 24 * 3600;

impl Core {
    pub(crate) async fn issue_token(&self, key: &AppKey, request: TokenRequest) -> Result<Issued, Error> {
        let known = self.enabled_app(key).await?;
        let ttl_seconds = request.ttl_seconds.unwrap_or(DEFAULT_TTL);
        if !(0..=MAX_TTL).contains(&ttl_seconds) {
            return Err(Error::invalid("ttl_seconds", format!("must be from 0 to {MAX_TTL}")));
        }
        let from = &request.peer_address;
        let user = match request.grant {
            Grant::ClientCredentials { client_id, client_secret } => {
                self.check_client(&known, &client_id, &client_secret, from)?;
                None
            }
            Grant::Password { user, password } => Some(self.by_password(known.app.id, &user, password, from).await?),
            Grant::Inherit { user, create } => Some(self.by_inheritance(&known, &user, create, from).await?),
            Grant::Exchange { token } => {
                let Built { user, expires } = self.built_token(&known, token.expose()).await?;
                return Ok(self.issued(&known, user, ttl_seconds, Some(expires)));
            }
        };
        Ok(self.issued(&known, user, ttl_seconds, None))
    }

    fn check_client(&self, known: &KnownApp, id: &str, secret: &Secret, from: &str) -> Result<(), Error> {
        let guess = Guess::new(known.app.id, Target::Client, from);
        self.guesses.attempt(&guess, self.steady())?;
        let wrong = if known.client_id != id {
            Reason::ClientIdWrong
        } else if !known.client_secret.good(self.clock.now()).any(|good| good.is(secret.expose())) {
            Reason::ClientSecretWrong
        } else {
            self.guesses.right(&guess);
            return Ok(());
        };
        self.guesses.wrong(&guess, self.steady());
        Err(Error::new(wrong, ""))
    }

    async fn by_password(&self, app: AppId, user: &UserRef, password: Secret, from: &str) -> Result<KnownUser, Error> {
        let known = self.registered_user(app, user).await?;
        let checked = self.check_password(Guess::new(app, user.into(), from), known.as_ref(), password).await;
        let Some(known) = known else {
            // The caller may find out that there is no such user, after the same response time as for any other answer.
            return Err(checked
                .err()
                .filter(|error| error.reason() != Reason::PasswordWrong)
                .unwrap_or_else(|| not_found(user)));
        };
        checked?;
        // Only callers with the right password find out that the user is disabled.
        enabled(known)
    }

    /// Refuses a wrong password, and counts it. Without a user every password is wrong.
    pub(super) async fn check_password(
        &self,
        guess: Guess,
        known: Option<&KnownUser>,
        password: Secret,
    ) -> Result<(), Error> {
        self.guesses.attempt(&guess, self.steady())?;
        let claim = Claim { lane: Lane::Login, app: guess.app(), from: guess.network().to_owned() };
        match self.is_password(known, password, claim).await {
            Ok(true) => {
                self.guesses.right(&guess);
                Ok(())
            }
            Ok(false) => {
                self.guesses.wrong(&guess, self.steady());
                Err(Error::new(Reason::PasswordWrong, ""))
            }
            Err(fault) => {
                self.guesses.unchecked(&guess);
                Err(fault)
            }
        }
    }

    async fn is_password(&self, known: Option<&KnownUser>, password: Secret, claim: Claim) -> Result<bool, Error> {
        if password.expose().len() > password::MAX_BYTES {
            return Ok(false);
        }
        match known.map(|known| known.password_hash.expose()).filter(|hash| !hash.is_empty()) {
            Some(hash) => self.passwords.matches(password, hash.to_owned(), claim).await,
            None => self.passwords.matches_nobody(password, claim).await,
        }
    }

    async fn by_inheritance(
        &self,
        known: &Arc<KnownApp>,
        user: &UserRef,
        create: bool,
        from: &str,
    ) -> Result<KnownUser, Error> {
        let app = known.app.id;
        if let Some(found) = self.registered_user(app, user).await? {
            return enabled(found);
        }
        if !create {
            return Err(not_found(user));
        }
        let username = self.name_to_register(app, user).await?;
        let new = NewUser { username, password: Secret::new(String::new()), nickname: String::new() };
        let by = Registrar { address: from.to_owned(), is_open: false };
        match self.register_one(known, new, NameRule::General, &by).await {
            Ok(()) => {}
            // Someone else registered the name meanwhile, which has the same effect.
            Err(error) if error.reason() == Reason::UserExists => {}
            Err(error) => return Err(error),
        }
        enabled(self.registered_user(app, user).await?.ok_or_else(|| not_found(user))?)
    }

    /// A name to register; an id only refers to one that was mentioned before.
    async fn name_to_register(&self, app: AppId, user: &UserRef) -> Result<String, Error> {
        let mentioned = match user {
            UserRef::Name(name) => return Ok(name.written().to_owned()),
            UserRef::Id(id) => store::users::find_by_id(&self.db, app, *id).await?,
        };
        mentioned.and_then(|known| known.user.username).ok_or_else(|| not_found(user))
    }

    /// The app itself is not a user that tokens are issued for.
    pub(super) async fn registered_user(&self, app: AppId, user: &UserRef) -> Result<Option<KnownUser>, Error> {
        let found = match user {
            UserRef::Id(id) => store::users::find_by_id(&self.db, app, *id).await?,
            UserRef::Name(name) => store::user::find_by_name(&self.db, app, name).await?,
        };
        Ok(found.filter(|known| known.user.registered))
    }

    /// A token that is valid for `ttl_seconds`, or forever for 0, and never longer than until the second `bound`: the
    /// lifetime of the token that is exchanged.
    fn issued(&self, known: &KnownApp, user: Option<KnownUser>, ttl_seconds: i64, bound: Option<i64>) -> Issued {
        let now = self.clock.now();
        let second = now.0.div_euclid(1000);
        let asked = (ttl_seconds > 0).then(|| second + ttl_seconds);
        let expires = asked.into_iter().chain(bound).min();
        let holder = user.as_ref().map_or(Holder::App, |known| Holder::User(known.user.id, known.token_epoch));
        let app = known.app.clone();
        let token = token::sign(&known.token_key.current, &app.lanying_app_id, holder, now, expires);
        let ttl_seconds = expires.map_or(0, |end| end - second);
        Issued { token, expires, ttl_seconds, user: user.map(|known| known.user), app }
    }
}
