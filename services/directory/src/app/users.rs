//! Reads and deletes users.

use tidings_domain::{App, Error, UserId, UserRef, Username};

use super::{Core, issue_token::not_found};
use crate::{
    model::{AppKey, User},
    store,
};

impl Core {
    /// Users that were only mentioned are found too, and say so.
    pub(crate) async fn get_user(&self, key: &AppKey, user: &UserRef) -> Result<User, Error> {
        let known = self.known_app(key).await?;
        if is_admin(user) {
            return Ok(admin(&known.app));
        }
        let found = match user {
            UserRef::Id(id) => store::user::find_by_id(&self.db, known.app.id, *id).await?,
            UserRef::Name(name) => store::user::find_by_name(&self.db, known.app.id, name).await?,
        };
        found.map(|known| known.user).ok_or_else(|| not_found(user))
    }

    /// Registered users above `after`, and where the next page starts when there is one.
    pub(crate) async fn list_users(
        &self,
        key: &AppKey,
        after: i64,
        limit: i64,
    ) -> Result<(Vec<User>, Option<UserId>), Error> {
        let known = self.known_app(key).await?;
        let mut users = store::user::list(&self.db, known.app.id, after, limit + 1).await?;
        let more = users.len() > limit as usize;
        users.truncate(limit as usize);
        let next = users.last().filter(|_| more).map(|user| user.id);
        Ok((users, next))
    }

    /// The name is free from now on; the id stays used.
    pub(crate) async fn delete_user(&self, key: &AppKey, user: &UserRef) -> Result<User, Error> {
        let known = self.enabled_app(key).await?;
        if is_admin(user) {
            return Err(Error::not_permitted("the app itself cannot be deleted as a user"));
        }
        let found = self.get_user(key, user).await?;
        // A name that was only mentioned is no user yet, and keeps its id (decision 3).
        if !found.registered {
            return Err(not_found(user));
        }
        let mut tx = self.db.begin().await?;
        let deleted = store::user::delete(&mut tx, known.app.id, found.id, self.clock.now()).await?;
        let deleted = deleted.ok_or_else(|| not_found(user))?;
        tx.commit().await?;
        Ok(deleted)
    }
}

/// Whether it is the app itself: id 0, name `admin`.
pub(super) fn is_admin(user: &UserRef) -> bool {
    match user {
        UserRef::Id(id) => *id == UserId::ADMIN,
        UserRef::Name(name) => name.folded() == Username::ADMIN,
    }
}

/// The app itself as a user; it has no row.
pub(super) fn admin(app: &App) -> User {
    User {
        id: UserId::ADMIN,
        username: Some(Username::ADMIN.to_owned()),
        uuid: app.uuid.clone(),
        registered: true,
        enabled: true,
        nickname: String::new(),
        created_at: app.created_at,
        modified_at: app.created_at,
    }
}
