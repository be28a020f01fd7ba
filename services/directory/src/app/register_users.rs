//! Registers users independently: one that fails does not stop the others.

use std::collections::HashSet;

use tidings_domain::{AppId, Caller, Change, Error, NameRule, Reason, UnixMillis, UserId, Username, new_uuid};
use tidings_store::Tx;

use super::{Core, freed_names::FreedNames};
use crate::{
    model::{AppKey, KnownApp, NewUser, Refusal, User, check_nickname},
    network::network,
    password,
    queue::{Claim, Lane},
    store::{self, user::Registration},
};

/// Maximum number of users per call (agora.md 10.2).
const MAX_USERS: usize = 60;

/// Who registers users.
#[derive(Debug)]
pub(crate) struct Registrar {
    /// The client's address; empty if it is unknown.
    pub(crate) address: String,
    /// Without a token: subject to the rate of its address, and with low priority in the queue.
    pub(crate) is_open: bool,
}

/// A valid registration, with its password hashed.
struct Checked {
    name: Username,
    password_hash: String,
    nickname: String,
}

impl Core {
    /// The outcomes in the order of the request.
    pub(crate) async fn register_users(
        &self,
        key: &AppKey,
        users: Vec<NewUser>,
        rule: NameRule,
        by: &Registrar,
    ) -> Result<Vec<Result<User, Refusal>>, Error> {
        let count = users.len();
        if count == 0 {
            return Err(Error::invalid("users", "must not be empty"));
        }
        if count > MAX_USERS {
            let text = format!(
                "Request body array size[{count}] had almost reached or been greater than the upper range value[{MAX_USERS}]"
            );
            return Err(Error::new(Reason::InvalidArgument, text));
        }
        let known = self.enabled_app(key).await?;
        if by.is_open {
            known.app.policy.check_open_registration(rule)?;
            self.registrations.take(&known.app, &by.address, count, self.steady())?;
        }
        let checked = self.checked(&known, users, rule, by).await?;
        self.register(key, &known, checked, by).await
    }

    /// Registers one user by the same rules.
    pub(super) async fn register_one(
        &self,
        known: &KnownApp,
        user: NewUser,
        rule: NameRule,
        by: &Registrar,
    ) -> Result<(), Error> {
        let checked = self.checked(known, vec![user], rule, by).await?;
        let outcomes = self.register(&AppKey::Id(known.app.id), known, checked, by).await?;
        outcomes.into_iter().try_for_each(|outcome| outcome.map(drop).map_err(|refusal| refusal.error))
    }

    /// Hashes before the transaction begins, and only passwords for names that look free.
    async fn checked(
        &self,
        known: &KnownApp,
        users: Vec<NewUser>,
        rule: NameRule,
        by: &Registrar,
    ) -> Result<Vec<Result<Checked, Refusal>>, Error> {
        let lane = if by.is_open { Lane::OpenRegistration } else { Lane::Registration };
        let claim = Claim { lane, app: known.app.id, from: network(&by.address) };
        let names: Vec<Result<Username, Error>> = users.iter().map(|user| check(user, rule)).collect();
        let legal: Vec<&Username> = names.iter().flatten().collect();
        let mentioned = store::users::find_by_names(&self.db, known.app.id, &legal).await?;
        let registered = mentioned.into_iter().filter(|user| user.registered);
        let mut taken: HashSet<String> =
            registered.filter_map(|user| user.username).map(|name| name.to_ascii_lowercase()).collect();

        let mut checked = Vec::with_capacity(users.len());
        for (name, NewUser { username, password, nickname }) in names.into_iter().zip(users) {
            let outcome = match name {
                Err(error) => Err(Refusal { username, error }),
                Ok(name) if !taken.insert(name.folded().to_owned()) => Err(exists(username)),
                Ok(name) if password.expose().is_empty() => {
                    Ok(Checked { name, password_hash: String::new(), nickname })
                }
                Ok(name) => {
                    Ok(Checked { name, password_hash: self.passwords.hash(password, claim.clone()).await?, nickname })
                }
            };
            checked.push(outcome);
        }
        Ok(checked)
    }

    async fn register(
        &self,
        key: &AppKey,
        known: &KnownApp,
        checked: Vec<Result<Checked, Refusal>>,
        by: &Registrar,
    ) -> Result<Vec<Result<User, Refusal>>, Error> {
        let names: Vec<&Username> = checked.iter().flatten().map(|checked| &checked.name).collect();
        if names.is_empty() {
            return Ok(checked.into_iter().filter_map(Result::err).map(Err).collect());
        }
        let caller = Caller { address: by.address.parse().ok(), ..Caller::of_app(known.app.id) };
        let mut freed = FreedNames::default();
        let registered = loop {
            let (app, now) = (known.app.id, self.clock.now());
            let mut tx = self.db.begin().await?;
            let Some(first) = store::app::take_user_numbers(&mut tx, app, names.len()).await? else {
                return Err(key.not_found());
            };
            let mut registered = Vec::with_capacity(names.len());
            for (number, checked) in (first..).zip(checked.iter().flatten()) {
                registered.push(self.insert(&mut tx, app, UserId::generated(number), checked, now).await?);
            }
            let change = |user: &User| Change::UserRegistered { user: user.id };
            let changes: Vec<Change> = registered.iter().flatten().map(change).collect();
            store::change::add(&mut tx, &caller, now, &changes).await?;
            if !freed.are_fresh(&mut tx, app, &names, now).await? {
                tx.commit().await?;
                break registered;
            }
            drop(tx);
            freed.wait().await?;
        };
        let mut registered = registered.into_iter();
        let mut outcomes = Vec::with_capacity(checked.len());
        for checked in checked {
            outcomes.push(match checked {
                Ok(Checked { name, .. }) => {
                    registered.next().flatten().ok_or_else(|| exists(name.written().to_owned()))
                }
                Err(refusal) => Err(refusal),
            });
        }
        Ok(outcomes)
    }

    /// The user; `None` if another user has the name by now.
    async fn insert(
        &self,
        tx: &mut Tx,
        app: AppId,
        fresh_id: UserId,
        checked: &Checked,
        now: UnixMillis,
    ) -> Result<Option<User>, Error> {
        let Checked { name, password_hash, nickname } = checked;
        let uuid = new_uuid(&*self.entropy);
        let registration = Registration { fresh_id, name, password_hash, nickname, uuid };
        Ok(store::user::register(tx, app, &registration, now).await?.map(|known| known.user))
    }
}

fn check(user: &NewUser, rule: NameRule) -> Result<Username, Error> {
    let name = Username::register(&user.username, rule)?;
    if user.password.expose().len() > password::MAX_BYTES {
        return Err(Error::invalid("password", format!("must be at most {} bytes", password::MAX_BYTES)));
    }
    check_nickname(&user.nickname)?;
    Ok(name)
}

fn exists(username: String) -> Refusal {
    Refusal { error: Error::new(Reason::UserExists, username.as_str()), username }
}
