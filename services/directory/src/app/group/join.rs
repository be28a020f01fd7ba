//! How users join a group, in any of the possible ways.

use std::collections::HashSet;

use tidings_domain::{Caller, Change, Error, GroupRole, Joining, Reason, UnixMillis, UserId};
use tidings_store::Tx;

use super::outcomes::{accepted, standings, stranger};
use crate::{
    model::group::{Group, Outcomes},
    store,
};

/// Adds users to the locked `group`. Users who do not exist (are not in `living`), are already members, are on its
/// block list or exceed its size are not added. Applications and invitations of added users are closed, and the change is recorded.
pub(super) async fn join(
    tx: &mut Tx,
    caller: &Caller,
    group: &Group,
    users: &[UserId],
    living: &HashSet<UserId>,
    now: UnixMillis,
    how: Joining,
) -> Result<Outcomes, Error> {
    let app = caller.app;
    let outcomes = refusals(tx, caller, group, users, living).await?;
    let joined = accepted(&outcomes);
    let members: Vec<_> = joined.iter().map(|user| (*user, GroupRole::Member)).collect();
    store::group_member::insert(tx, app, group.id, &members, now).await?;
    store::group_application::delete(tx, app, group.id, &joined).await?;
    store::group_invitation::delete(tx, app, group.id, &joined).await?;
    let change = Change::MembersJoined { group: group.changed_group(), users: joined, how };
    store::change::add(tx, caller, now, &[change]).await?;
    Ok(outcomes)
}

/// Which of the users could join the locked `group` now.
pub(super) async fn refusals(
    tx: &mut Tx,
    caller: &Caller,
    group: &Group,
    users: &[UserId],
    living: &HashSet<UserId>,
) -> Result<Outcomes, Error> {
    let app = caller.app;
    let standings = standings(tx, app, group.id, users).await?;
    // Members of a thread are members of its group.
    let in_parent = match group.parent_group {
        0 => None,
        parent => Some(store::thread::hold_in_parent(tx, app, parent, users).await?),
    };
    let mut free = group.settings.max_members - store::group_member::count(tx, app, group.id).await?;
    let mut outcomes = Outcomes::with_capacity(users.len());
    for &user in users {
        let standing = standings.get(&user).copied().unwrap_or(stranger(user));
        let refusal = match standing.role {
            _ if !living.contains(&user) => Some(Reason::UserNotFound),
            _ if in_parent.as_ref().is_some_and(|members| !members.contains(&user)) => Some(Reason::NotGroupMember),
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
    Ok(outcomes)
}
