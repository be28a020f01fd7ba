//! Users' profiles.

use tidings_domain::{AppId, Error, UserId};
use tidings_store::{Db, Tx, on_db, on_tx};

use super::shown_file::{self, Holder};
use crate::model::{Profile, ProfileChange};

const FIND: &str = "
    select avatar, description, public_info, private_info, mobile, email
    from user_profile where app_id = $1 and user_id = $2";

/// Null fields are unchanged.
const CHANGE: &str = "
    insert into user_profile (app_id, user_id, avatar, description, public_info, private_info, mobile, email)
    values ($1, $2, coalesce($3, ''), coalesce($4, ''), coalesce($5, ''), coalesce($6, ''), coalesce($7, ''),
        coalesce($8, ''))
    on conflict (app_id, user_id) do update set
        avatar = coalesce($3, user_profile.avatar),
        description = coalesce($4, user_profile.description),
        public_info = coalesce($5, user_profile.public_info),
        private_info = coalesce($6, user_profile.private_info),
        mobile = coalesce($7, user_profile.mobile),
        email = coalesce($8, user_profile.email)
    returning avatar, description, public_info, private_info, mobile, email";

const DELETE: &str = "delete from user_profile where app_id = $1 and user_id = $2";

pub(crate) const ALL: &[&str] = &[FIND, CHANGE, DELETE];

type ProfileRow = (String, String, String, String, String, String);

fn profile(row: ProfileRow) -> Profile {
    let (avatar, description, public_info, private_info, mobile, email) = row;
    Profile { avatar, description, public_info, private_info, mobile, email }
}

/// The user's profile; empty if it was never set.
pub(crate) async fn find(db: &Db, app: AppId, user: UserId) -> Result<Profile, Error> {
    let row: Option<ProfileRow> =
        on_db!(db, |c| sqlx::query_as(FIND).bind(app.0).bind(user.0).fetch_optional(c).await)?;
    Ok(row.map(profile).unwrap_or_default())
}

/// The same in the transaction that changes it.
pub(crate) async fn find_in(tx: &mut Tx, app: AppId, user: UserId) -> Result<Profile, Error> {
    let row: Option<ProfileRow> =
        on_tx!(tx, |c| sqlx::query_as(FIND).bind(app.0).bind(user.0).fetch_optional(c).await)?;
    Ok(row.map(profile).unwrap_or_default())
}

/// The profile after the change. The nickname is not stored here.
pub(crate) async fn change(tx: &mut Tx, app: AppId, user: UserId, change: &ProfileChange) -> Result<Profile, Error> {
    let row: ProfileRow = on_tx!(&mut *tx, |c| sqlx::query_as(CHANGE)
        .bind(app.0)
        .bind(user.0)
        .bind(change.avatar.as_deref())
        .bind(change.description.as_deref())
        .bind(change.public_info.as_deref())
        .bind(change.private_info.as_deref())
        .bind(change.mobile.as_deref())
        .bind(change.email.as_deref())
        .fetch_one(c)
        .await)?;
    let profile = profile(row);
    let Profile { avatar, description, public_info, private_info, mobile, email } = &profile;
    let texts = [avatar, description, public_info, private_info, mobile, email].map(String::as_str);
    shown_file::replace(tx, app, Holder::Profile(user), &texts).await?;
    Ok(profile)
}

pub(crate) async fn delete(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    shown_file::remove(tx, app, Holder::Profile(user)).await?;
    on_tx!(tx, |c| sqlx::query(DELETE).bind(app.0).bind(user.0).execute(c).await.map(drop))
}
