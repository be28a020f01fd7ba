//! The user that a call is about.

use tidings_domain::{Actor, Caller, Error, Reason, UserId, UserRef, Username};
use tidings_runtime::rights::Access;

use super::Core;
use crate::{model::KnownUser, store};

impl Core {
    /// Refuses a call on behalf of a user who does not exist, or who is disabled where it changes something.
    pub(crate) async fn check_acting(&self, caller: &Caller, access: Access) -> Result<(), Error> {
        let Actor::User(user) = caller.actor else {
            return Ok(());
        };
        // The app itself, as user 0, owns groups.
        if user == UserId::ADMIN {
            return Ok(());
        }
        let found = store::users::find_by_id(&self.db, caller.app, user).await?;
        let known = found.ok_or_else(|| Error::user_not_found(user.to_string()))?;
        if !known.user.enabled && access != Access::UserReads {
            return Err(Error::new(Reason::UserDisabled, user.to_string()));
        }
        Ok(())
    }
}

/// The user that the call names, else the one on whose behalf it is made. Users act only for themselves.
pub(super) fn subject(caller: &Caller, named: Option<i64>) -> Result<UserId, Error> {
    let user = named.map_or(caller.actor.user(), UserId);
    check_self(caller, user)?;
    Ok(user)
}

/// Refuses a user who acts for another one.
pub(super) fn check_self(caller: &Caller, user: UserId) -> Result<(), Error> {
    match caller.actor {
        Actor::User(own) if own != user => Err(Error::not_permitted("users may do this only for themselves")),
        _ => Ok(()),
    }
}

/// The user, unless they are disabled.
pub(super) fn enabled(known: KnownUser) -> Result<KnownUser, Error> {
    if known.user.enabled {
        return Ok(known);
    }
    Err(Error::new(Reason::UserDisabled, known.user.username.unwrap_or_default()))
}

/// No such user, under the name in the request.
pub(super) fn not_found(user: &UserRef) -> Error {
    Error::user_not_found(match user {
        UserRef::Id(id) => id.to_string(),
        UserRef::Name(name) => Username::written(name).to_owned(),
    })
}
