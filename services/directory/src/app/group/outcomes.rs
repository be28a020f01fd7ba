//! Calls that name many users, each of whom succeeds or fails independently.

use std::collections::HashMap;

use tidings_domain::{AppId, Error, Mute, Reason, UserId};
use tidings_store::Tx;

use super::rights::Rights;
use crate::{
    model::group::Outcomes,
    store::group_member::{self, GroupRelation},
};

/// The relation of each user to a group.
pub(super) async fn standings(
    tx: &mut Tx,
    app: AppId,
    group: i64,
    users: &[UserId],
) -> Result<HashMap<UserId, GroupRelation>, Error> {
    let found = group_member::standings(tx, app, group, users).await?;
    Ok(found.into_iter().map(|standing| (standing.user, standing)).collect())
}

/// The relation of a user who is neither in the group nor on its block list.
pub(super) fn stranger(user: UserId) -> GroupRelation {
    GroupRelation { user, role: None, muted: Mute::No, blocked: false }
}

/// Which of the users are members other than the owner.
pub(super) async fn members(tx: &mut Tx, app: AppId, group: i64, users: &[UserId]) -> Result<Outcomes, Error> {
    members_under(tx, app, group, users, Rights::App).await
}

/// Which of the users are members that the caller has power over.
pub(super) async fn members_under(
    tx: &mut Tx,
    app: AppId,
    group: i64,
    users: &[UserId],
    rights: Rights,
) -> Result<Outcomes, Error> {
    let standings = standings(tx, app, group, users).await?;
    let outcome = |user: UserId| match standings.get(&user).and_then(|standing| standing.role) {
        None => Err(Error::new(Reason::NotGroupMember, user.to_string())),
        role => rights.check_power_over(user, role),
    };
    Ok(users.iter().map(|user| (*user, outcome(*user))).collect())
}

/// Those without an obstacle.
pub(super) fn accepted(outcomes: &Outcomes) -> Vec<UserId> {
    outcomes.iter().filter(|(_, outcome)| outcome.is_ok()).map(|(user, _)| *user).collect()
}
