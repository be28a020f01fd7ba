//! How users come into a group, whoever lets them in.

use std::collections::HashSet;

use tidings_domain::{AppId, Error, GroupRole, Reason, UnixMillis, UserId};
use tidings_store::Tx;

use super::outcomes::{accepted, standings, stranger};
use crate::{
    model::group::{Group, Outcomes},
    store,
};

/// Takes users into the locked `group`. Who does not exist (is not in `living`), is in it already, is on its block list
/// or does not fit stays out. Nobody who came in still waits to be let in.
pub(super) async fn join(
    tx: &mut Tx,
    app: AppId,
    group: &Group,
    users: &[UserId],
    living: &HashSet<UserId>,
    now: UnixMillis,
) -> Result<Outcomes, Error> {
    let standings = standings(tx, app, group.id, users).await?;
    let mut free = group.settings.max_members - store::group_member::count(tx, app, group.id).await?;
    let mut outcomes = Outcomes::with_capacity(users.len());
    for &user in users {
        let standing = standings.get(&user).copied().unwrap_or(stranger(user));
        let refusal = match standing.role {
            _ if !living.contains(&user) => Some(Reason::UserNotFound),
            Some(_) => Some(Reason::AlreadyGroupMember),
            None if standing.blocked => Some(Reason::OnGroupBlockList),
            None if free <= 0 => Some(Reason::GroupFull),
            None => None,
        };
        if refusal.is_none() {
            free -= 1;
        }
        outcomes.push((user, refusal.map_or(Ok(()), |reason| Err(Error::new(reason, user.to_string())))));
    }
    let joined = accepted(&outcomes);
    let members: Vec<_> = joined.iter().map(|user| (*user, GroupRole::Member)).collect();
    store::group_member::insert(tx, app, group.id, &members, now).await?;
    store::group_application::delete(tx, app, group.id, &joined).await?;
    Ok(outcomes)
}
