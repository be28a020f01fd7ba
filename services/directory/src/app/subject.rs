//! Whom a call is about.

use tidings_domain::{Actor, Caller, Error, UserId};

/// The user that the call names, else the one on whose behalf it is made. A user acts for himself alone.
pub(super) fn subject(caller: &Caller, named: Option<i64>) -> Result<UserId, Error> {
    let user = named.map_or(caller.actor.user(), UserId);
    check_self(caller, user)?;
    Ok(user)
}

/// Refuses a user who acts for another one.
pub(super) fn check_self(caller: &Caller, user: UserId) -> Result<(), Error> {
    match caller.actor {
        Actor::User(own) if own != user => Err(Error::not_permitted("a user may do this for himself alone")),
        _ => Ok(()),
    }
}
