//! Changes a user's nickname, password and push settings, and whether they are enabled.

use tidings_domain::{Actor, Caller, Change, Error, Reason, UserRef};

use super::{Core, subject::not_found};
use crate::{
    guesses::{Guess, Target},
    model::{Devices, KnownUser, User, UserChange, check_nickname},
    network::network,
    password,
    queue::{Claim, Lane},
    secret::Secret,
    store::{self, user::Update},
};

impl Core {
    /// A new password revokes the user's tokens, and disabling the user as well; both end their connections. Users
    /// change only themselves, their password only if they know the old one, and never whether they are enabled.
    pub(crate) async fn update_user(
        &self,
        caller: &Caller,
        user: &UserRef,
        mut change: UserChange,
    ) -> Result<User, Error> {
        let before = self.own_user(caller, user).await?;
        check(caller, &change)?;
        let password = change.password.take();
        if let Actor::User(_) = caller.actor
            && password.is_some()
        {
            self.check_old_password(caller, &before, change.old_password.take()).await?;
        }
        let password_hash = match password {
            Some(password) => {
                let from = network(&address_of(caller));
                let claim = Claim { lane: Lane::Registration, app: caller.app, from };
                Some(self.passwords.hash(password, claim).await?)
            }
            None => None,
        };

        let id = before.user.id;
        let has_events = self.has_presence_events(caller.app).await;
        let mut tx = self.db.begin().await?;
        let locked = store::users::lock(&mut tx, caller.app, id).await?.ok_or_else(|| not_found(user))?;
        if password_hash.is_some() && caller.actor != Actor::App && locked.token_epoch != before.token_epoch {
            // The password was changed since the old one was compared.
            return Err(Error::new(Reason::PasswordWrong, ""));
        }
        let push = store::user_push::find_in(&mut tx, caller.app, id).await?;
        let changes_push = !change.push.is_empty();
        if change.nickname.is_none() && password_hash.is_none() && change.enabled.is_none() && !changes_push {
            return Ok(User { push, ..locked.user });
        }
        let ends_tokens = password_hash.is_some() || change.enabled == Some(false);
        let now = self.clock.now();
        let before = User { push, ..locked.user };
        let mut changes = changes(&before, &change, password_hash.is_some());
        let update = Update { nickname: change.nickname.as_deref(), password_hash, enabled: change.enabled };
        let updated = store::user::update(&mut tx, caller.app, id, update, now).await?;
        if changes_push {
            store::user_push::change(&mut tx, caller.app, id, &change.push).await?;
        }
        let push = store::user_push::find_in(&mut tx, caller.app, id).await?;
        let updated = User { push, ..updated };
        if ends_tokens {
            store::user::end_tokens(&mut tx, caller.app, id, now).await?;
        }
        if !updated.enabled {
            store::session::end_all(&mut tx, caller.app, id).await?;
        }
        if ends_tokens {
            changes.extend(self.disconnect(&mut tx, caller.app, id, &Devices::default(), has_events).await?.changes);
        }
        store::change::add(&mut tx, caller, now, &changes).await?;
        if updated.enabled != before.enabled {
            store::users_version::raise(&mut tx, caller.app).await?;
        }
        tx.commit().await?;
        Ok(updated)
    }

    /// Wrong guesses count as those at a login do.
    async fn check_old_password(&self, caller: &Caller, user: &KnownUser, old: Option<Secret>) -> Result<(), Error> {
        let old = old.ok_or_else(|| Error::invalid("old_password", "is required"))?;
        let guess = Guess::new(caller.app, Target::Id(user.user.id), &address_of(caller));
        self.check_password(guess, Some(user), old).await
    }
}

/// What the change of `before` amounts to.
fn changes(before: &User, change: &UserChange, password: bool) -> Vec<Change> {
    let nickname = change.nickname.as_ref().is_some_and(|nickname| *nickname != before.nickname);
    let fields = [("nickname", nickname), ("password", password)];
    let mut fields: Vec<String> =
        fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect();
    fields.extend(change.push.differing_from(&before.push));
    let changed = (!fields.is_empty()).then_some(Change::UserChanged { user: before.id, fields });
    let enabled = change.enabled.filter(|enabled| *enabled != before.enabled);
    let enabled = enabled.map(|enabled| Change::UserEnabled { user: before.id, enabled });
    changed.into_iter().chain(enabled).collect()
}

/// Empty if it is unknown.
pub(super) fn address_of(caller: &Caller) -> String {
    caller.address.map_or(String::new(), |address| address.to_string())
}

fn check(caller: &Caller, change: &UserChange) -> Result<(), Error> {
    if change.enabled.is_some() && caller.actor != Actor::App {
        return Err(Error::not_permitted("only the app itself enables and disables users"));
    }
    if let Some(nickname) = &change.nickname {
        check_nickname(nickname)?;
    }
    change.push.check()?;
    let length = change.password.as_ref().map_or(1, |password| password.expose().len());
    if !(1..=password::MAX_BYTES).contains(&length) {
        return Err(Error::invalid("password", format!("must be 1 to {} bytes", password::MAX_BYTES)));
    }
    Ok(())
}
