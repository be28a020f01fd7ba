//! Attributes of users, by name (agora.md 10.2).

use std::collections::{BTreeMap, HashMap};

use tidings_domain::{AppId, Caller, Change, Error, Reason, UserId, UserRef};
use tidings_store::Tx;

use super::{Core, subject::not_found};
use crate::{
    model::check_text,
    store::{self, user_attribute::Attributes},
};

/// Bytes of all names and values of a user (agora.md 9).
const MAX_USER_BYTES: usize = 2048;
/// Bytes of all names and values of an app (agora.md 9).
const MAX_APP_BYTES: i64 = 10 * 1024 * 1024 * 1024;
const MAX_NAME: usize = 256;
/// Users per call (agora.md 10.2).
const MAX_USERS: usize = 100;
/// Names per call.
const MAX_NAMES: usize = 100;

impl Core {
    /// Sets these attributes and leaves the others. Users set only their own.
    pub(crate) async fn set_user_attributes(
        &self,
        caller: &Caller,
        user: &UserRef,
        attributes: &Attributes,
    ) -> Result<UserId, Error> {
        check(attributes)?;
        let id = self.own_user(caller, user).await?.user.id;
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let locked = store::users::lock(&mut tx, caller.app, id).await?.ok_or_else(|| not_found(user))?;
        let before: BTreeMap<String, String> =
            store::user_attribute::of_user_in(&mut tx, caller.app, id).await?.into_iter().collect();
        let changed: Attributes =
            attributes.iter().filter(|(name, value)| before.get(name) != Some(value)).cloned().collect();
        if changed.is_empty() {
            return Ok(locked.user.id);
        }
        let old_bytes = bytes(before.iter());
        let mut after = before;
        after.extend(changed.iter().cloned());
        let new_bytes = bytes(after.iter());
        if new_bytes > MAX_USER_BYTES {
            return Err(Error::new(Reason::AttributesTooLarge, MAX_USER_BYTES.to_string()).of_field("attributes"));
        }
        store::user_attribute::set(&mut tx, caller.app, id, &changed).await?;
        let fields = changed.into_iter().map(|(name, _)| name).collect();
        store::change::add(&mut tx, caller, now, &[Change::UserChanged { user: id, fields }]).await?;
        let more = new_bytes as i64 - old_bytes as i64;
        let total = store::user_attribute::add_bytes(&mut tx, caller.app, more).await?;
        if more > 0 && total > MAX_APP_BYTES {
            return Err(Error::new(Reason::AppAttributesFull, MAX_APP_BYTES.to_string()));
        }
        tx.commit().await?;
        Ok(id)
    }

    /// In the order of the request, by ascending name; only the named ones, or all if none are named. `None` where there is
    /// no such user.
    pub(crate) async fn get_user_attributes(
        &self,
        caller: &Caller,
        users: &[UserRef],
        names: &[String],
    ) -> Result<Vec<Option<(UserId, Attributes)>>, Error> {
        if !(1..=MAX_USERS).contains(&users.len()) {
            return Err(Error::invalid("users", format!("must be 1 to {MAX_USERS}")));
        }
        if names.len() > MAX_NAMES {
            return Err(Error::invalid("names", format!("must be at most {MAX_NAMES}")));
        }
        let found = self.registered_users(caller.app, users).await?;
        let ids: Vec<UserId> = found.iter().flatten().map(|user| user.id).collect();
        let mut by_user: HashMap<UserId, Attributes> = HashMap::with_capacity(ids.len());
        for (user, attribute) in store::user_attribute::of_many(&self.db, caller.app, &ids).await? {
            if names.is_empty() || names.contains(&attribute.0) {
                by_user.entry(user).or_default().push(attribute);
            }
        }
        let of = |id: UserId| {
            let mut attributes = by_user.get(&id).cloned().unwrap_or_default();
            attributes.sort_unstable();
            attributes.dedup();
            (id, attributes)
        };
        Ok(found.into_iter().map(|user| user.map(|user| of(user.id))).collect())
    }

    /// Whether there were any. Users delete only their own.
    pub(crate) async fn delete_user_attributes(&self, caller: &Caller, user: &UserRef) -> Result<bool, Error> {
        let id = self.own_user(caller, user).await?.user.id;
        let mut tx = self.db.begin().await?;
        store::users::lock(&mut tx, caller.app, id).await?.ok_or_else(|| not_found(user))?;
        let before = store::user_attribute::of_user_in(&mut tx, caller.app, id).await?;
        if before.is_empty() {
            return Ok(false);
        }
        let fields = before.into_iter().map(|(name, _)| name).collect();
        let changed = Change::UserChanged { user: id, fields };
        store::change::add(&mut tx, caller, self.clock.now(), &[changed]).await?;
        forget_attributes(&mut tx, caller.app, id).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Bytes of all names and values of the app's users.
    pub(crate) async fn user_attributes_size(&self, caller: &Caller) -> Result<i64, Error> {
        store::user_attribute::total(&self.db, caller.app).await
    }
}

/// Deletes the attributes of a locked user, as the last statement but for the version of the app's users.
pub(super) async fn forget_attributes(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    let before = store::user_attribute::of_user_in(tx, app, user).await?;
    if before.is_empty() {
        return Ok(());
    }
    let freed = bytes(before.iter().map(|(name, value)| (name, value)));
    store::user_attribute::delete_all(tx, app, user).await?;
    store::user_attribute::add_bytes(tx, app, -(freed as i64)).await.map(drop)
}

fn check(attributes: &Attributes) -> Result<(), Error> {
    for (name, value) in attributes {
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(Error::invalid("attributes", format!("must have names of 1 to {MAX_NAME} bytes")));
        }
        check_text("attributes", name, MAX_NAME)?;
        if value.contains('\0') {
            return Err(Error::invalid("attributes", "must not contain U+0000"));
        }
    }
    let given = bytes(attributes.iter().map(|(name, value)| (name, value)));
    if given > MAX_USER_BYTES {
        return Err(Error::new(Reason::AttributesTooLarge, MAX_USER_BYTES.to_string()).of_field("attributes"));
    }
    Ok(())
}

fn bytes<'a>(attributes: impl Iterator<Item = (&'a String, &'a String)>) -> usize {
    attributes.map(|(name, value)| name.len() + value.len()).sum()
}
