//! Ids of several users at once; the call succeeds or fails as a whole (decision 3).

use std::collections::{HashMap, HashSet};

use tidings_domain::{AppId, Error, UserId, UserRef, Username, new_uuid};

use super::{
    Core,
    freed_names::FreedNames,
    subject::not_found,
    users::{admin, is_admin},
};
use crate::{
    model::{AppKey, User},
    store,
};

const MAX_REFS: usize = 1000;

/// What to do about an unknown name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// It is an error.
    Refuse,
    /// It becomes an unregistered user's.
    Intern,
    /// It means the user who had it and was deleted last, else it is an error.
    Deleted,
}

/// Users found so far, by id and by folded name.
#[derive(Default)]
struct Found {
    by_id: HashMap<UserId, User>,
    by_name: HashMap<String, User>,
}

impl Core {
    /// The users in the order of the request.
    pub(crate) async fn resolve_users(
        &self,
        key: &AppKey,
        refs: &[UserRef],
        unknown: Unknown,
    ) -> Result<Vec<User>, Error> {
        if !(1..=MAX_REFS).contains(&refs.len()) {
            return Err(Error::invalid("users", format!("must be 1 to {MAX_REFS}")));
        }
        let interns = unknown == Unknown::Intern;
        let known = if interns { self.enabled_app(key).await? } else { self.known_app(key).await? };
        let mut found = self.find(known.app.id, refs).await?;
        if unknown == Unknown::Deleted {
            let missing = found.missing_names(refs);
            if !missing.is_empty() {
                found.add_all(store::users::last_deleted(&self.db, known.app.id, &missing).await?);
            }
        }
        if interns {
            // Checked first, so that a failed call registers no names.
            if let Some(id) = refs.iter().find(|user| matches!(user, UserRef::Id(_)) && !found.has(user)) {
                return Err(not_found(id));
            }
            let missing = found.missing_names(refs);
            if !missing.is_empty() {
                found.add_all(self.intern(key, known.app.id, &missing).await?);
            }
        }
        let mut users = Vec::with_capacity(refs.len());
        for user in refs {
            let resolved = if is_admin(user) { Some(admin(&known.app)) } else { found.get(user).cloned() };
            users.push(resolved.ok_or_else(|| not_found(user))?);
        }
        Ok(users)
    }

    /// The registered users in the order of the request; `None` where there is none.
    pub(super) async fn registered_users(&self, app: AppId, refs: &[UserRef]) -> Result<Vec<Option<User>>, Error> {
        let found = self.find(app, refs).await?;
        Ok(refs.iter().map(|user| found.get(user).filter(|user| user.registered).cloned()).collect())
    }

    async fn find(&self, app: AppId, refs: &[UserRef]) -> Result<Found, Error> {
        let mut found = Found::default();
        let mut ids = Vec::new();
        let mut names = Vec::new();
        for user in refs.iter().filter(|user| !is_admin(user)) {
            match user {
                UserRef::Id(id) => ids.push(*id),
                UserRef::Name(name) => names.push(name),
            }
        }
        if !ids.is_empty() {
            found.add_all(store::users::find_by_ids(&self.db, app, &ids).await?);
        }
        if !names.is_empty() {
            found.add_all(store::users::find_by_names(&self.db, app, &names).await?);
        }
        Ok(found)
    }

    /// Taking numbers locks the app's row, so a concurrent call finds the first one's users.
    async fn intern(&self, key: &AppKey, app: AppId, names: &[&Username]) -> Result<Vec<User>, Error> {
        let uuids: Vec<String> = names.iter().map(|_| new_uuid(&*self.entropy)).collect();
        let mut freed = FreedNames::default();
        loop {
            let now = self.clock.now();
            let mut tx = self.db.begin().await?;
            let Some(first) = store::app::take_user_numbers(&mut tx, app, names.len()).await? else {
                return Err(key.not_found());
            };
            store::users::intern(&mut tx, app, names, first, &uuids, now).await?;
            if !freed.are_fresh(&mut tx, app, names, now).await? {
                let users = store::users::find_by_names_in(&mut tx, app, names).await?;
                tx.commit().await?;
                return Ok(users);
            }
            drop(tx);
            freed.wait().await?;
        }
    }
}

impl Found {
    fn add_all(&mut self, users: Vec<User>) {
        for user in users {
            if let Some(name) = &user.username {
                self.by_name.insert(name.to_ascii_lowercase(), user.clone());
            }
            self.by_id.insert(user.id, user);
        }
    }

    fn get(&self, user: &UserRef) -> Option<&User> {
        match user {
            UserRef::Id(id) => self.by_id.get(id),
            UserRef::Name(name) => self.by_name.get(name.folded()),
        }
    }

    fn has(&self, user: &UserRef) -> bool {
        is_admin(user) || self.get(user).is_some()
    }

    /// Each name once, as first written.
    fn missing_names<'a>(&self, refs: &'a [UserRef]) -> Vec<&'a Username> {
        let mut seen = HashSet::new();
        let missing = refs.iter().filter(|user| !self.has(user)).filter_map(|user| match user {
            UserRef::Id(_) => None,
            UserRef::Name(name) => Some(name),
        });
        missing.filter(|name| seen.insert(name.folded())).collect()
    }
}
