//! Reads users.

use tidings_domain::{App, Caller, Error, UserId, UserMutes, UserRef, Username};

use super::{Core, page::page, subject::check_self, subject::not_found};
use crate::{
    model::{AppKey, KnownUser, User, people::PushSettings},
    store,
};

impl Core {
    /// Users that were only mentioned are found too, and marked as such.
    pub(crate) async fn get_user(&self, key: &AppKey, user: &UserRef) -> Result<User, Error> {
        let known = self.known_app(key).await?;
        if is_admin(user) {
            return Ok(admin(&known.app));
        }
        let found = match user {
            UserRef::Id(id) => store::users::find_by_id(&self.db, known.app.id, *id).await?,
            UserRef::Name(name) => store::user::find_by_name(&self.db, known.app.id, name).await?,
        };
        found.map(|known| known.user).ok_or_else(|| not_found(user))
    }

    /// The same with push settings and mutes.
    pub(crate) async fn get_user_whole(&self, key: &AppKey, user: &UserRef) -> Result<User, Error> {
        let mut user = self.get_user(key, user).await?;
        if user.id != UserId::ADMIN {
            let app = self.known_app(key).await?.app.id;
            (user.push, user.mutes) = store::user_push::with_mutes(&self.db, app, user.id).await?;
        }
        Ok(user)
    }

    /// Registered users above `after` with their push settings, and where the next page starts when there is one.
    pub(crate) async fn list_users(
        &self,
        key: &AppKey,
        after: i64,
        limit: i64,
    ) -> Result<(Vec<User>, Option<UserId>), Error> {
        let known = self.known_app(key).await?;
        let users = store::user::list(&self.db, known.app.id, after, limit + 1).await?;
        let (mut users, next) = page(users, limit, |user: &User| user.id);
        let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
        let mut push = store::user_push::of_many(&self.db, known.app.id, &ids).await?;
        for user in &mut users {
            user.push = push.remove(&user.id).unwrap_or_default();
        }
        Ok((users, next))
    }

    /// A registered user whom the caller may act for: the app for everybody, users for themselves.
    pub(super) async fn own_user(&self, caller: &Caller, user: &UserRef) -> Result<KnownUser, Error> {
        if is_admin(user) {
            return Err(Error::not_permitted("the app itself is not a user"));
        }
        let found = self.registered_user(caller.app, user).await?.ok_or_else(|| not_found(user))?;
        check_self(caller, found.user.id)?;
        Ok(found)
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
        push: PushSettings::default(),
        mutes: UserMutes::NONE,
    }
}
