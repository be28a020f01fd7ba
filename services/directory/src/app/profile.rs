//! Users' profiles.

use tidings_domain::{Actor, Caller, Change, Error, UserRef};

use super::{Core, subject::not_found};
use crate::{
    model::{AppKey, Profile, ProfileChange, User, check_nickname, check_text},
    store::{self, user::Update},
};

const MAX_AVATAR: usize = 1024;
const MAX_INFO: usize = 2048;
const MAX_MOBILE: usize = 64;
const MAX_EMAIL: usize = 256;

impl Core {
    /// Private fields are empty for others than the user and the app.
    pub(crate) async fn get_profile(&self, caller: &Caller, user: &UserRef) -> Result<(User, Profile), Error> {
        let user = self.get_user(&AppKey::Id(caller.app), user).await?;
        let profile = store::profile::find(&self.db, caller.app, user.id).await?;
        let own = caller.actor == Actor::App || caller.actor == Actor::User(user.id);
        Ok((user, if own { profile } else { profile.without_private() }))
    }

    /// The profile after the change. Users change only their own.
    pub(crate) async fn set_profile(
        &self,
        caller: &Caller,
        user: &UserRef,
        change: ProfileChange,
    ) -> Result<(User, Profile), Error> {
        check(&change)?;
        let before = self.own_user(caller, user).await?.user;
        let mut tx = self.db.begin().await?;
        let locked = store::users::lock(&mut tx, caller.app, before.id).await?.ok_or_else(|| not_found(user))?;
        let now = self.clock.now();
        let old_nickname = locked.user.nickname.clone();
        let after = match change.nickname.as_deref() {
            None => locked.user,
            nickname => {
                let update = Update { nickname, password_hash: None, enabled: None };
                store::user::update(&mut tx, caller.app, before.id, update, now).await?
            }
        };
        let old = store::profile::find_in(&mut tx, caller.app, before.id).await?;
        let profile = store::profile::change(&mut tx, caller.app, before.id, &change).await?;
        let mut fields = old.differences(&profile);
        if after.nickname != old_nickname {
            fields.insert(0, "nickname".to_owned());
        }
        if !fields.is_empty() {
            let change = Change::UserChanged { user: after.id, fields };
            store::change::add(&mut tx, caller, now, &[change]).await?;
        }
        tx.commit().await?;
        Ok((after, profile))
    }
}

fn check(change: &ProfileChange) -> Result<(), Error> {
    if let Some(nickname) = &change.nickname {
        check_nickname(nickname)?;
    }
    let texts = [
        ("avatar", &change.avatar, MAX_AVATAR),
        ("description", &change.description, MAX_INFO),
        ("public_info", &change.public_info, MAX_INFO),
        ("private_info", &change.private_info, MAX_INFO),
        ("mobile", &change.mobile, MAX_MOBILE),
        ("email", &change.email, MAX_EMAIL),
    ];
    for (field, text, max) in texts {
        check_text(field, text.as_deref().unwrap_or_default(), max)?;
    }
    Ok(())
}
