//! Deletes a user, with all of their data in the directory.

use std::collections::HashMap;

use tidings_domain::{AppId, Caller, Change, Error, Leaving, OwnerDeletion, UnixMillis, UserId, UserRef};
use tidings_store::Tx;

use super::{
    Core,
    group::{leave_behind::leave_all_behind, shared_files::release_all},
    subject::check_self,
    subject::not_found,
    user_attributes::forget_attributes,
    users::is_admin,
};
use crate::{
    model::{AppKey, Devices, User, group::Group},
    store,
};

impl Core {
    /// The name is free from now on; the id is never reused. Users cannot delete others.
    pub(crate) async fn delete_user(&self, caller: &Caller, user: &UserRef) -> Result<User, Error> {
        let app = caller.app;
        if is_admin(user) {
            return Err(Error::not_permitted("the app itself cannot be deleted as a user"));
        }
        let found = self.get_user(&AppKey::Id(app), user).await?;
        check_self(caller, found.id)?;
        // A name that was only mentioned is not a user yet, and keeps its id (decision 3).
        if !found.registered {
            return Err(not_found(user));
        }
        let policy = self.known_app(&AppKey::Id(app)).await?.app.policy.owner_deletion;
        let now = self.clock.now();
        let has_events = self.has_presence_events(app).await;
        let mut tx = self.db.begin().await?;
        // Locked first, so that the user cannot be added to a group meanwhile.
        if store::users::lock(&mut tx, app, found.id).await?.is_none() {
            return Err(not_found(user));
        }
        let mut changes = leave_groups(&mut tx, caller, found.id, policy, now).await?;
        changes.extend(self.disconnect(&mut tx, app, found.id, &Devices::default(), has_events).await?.changes);
        changes.push(Change::UserDeleted { user: found.id });
        let push = store::user_push::find_in(&mut tx, app, found.id).await?;
        forget(&mut tx, app, found.id).await?;
        let deleted = store::user::delete(&mut tx, app, found.id, now).await?;
        let deleted = User { push, ..deleted.ok_or_else(|| not_found(user))? };
        store::change::add(&mut tx, caller, now, &changes).await?;
        forget_attributes(&mut tx, app, found.id).await?;
        store::users_version::raise(&mut tx, app).await?;
        tx.commit().await?;
        Ok(deleted)
    }
}

/// Removes the user from every group. Groups they owned pass to the longest-standing admin, else to the
/// longest-standing member, and end when no member is left, or all of them end if the policy says so. What that
/// changed.
async fn leave_groups(
    tx: &mut Tx,
    caller: &Caller,
    user: UserId,
    policy: OwnerDeletion,
    now: UnixMillis,
) -> Result<Vec<Change>, Error> {
    let app = caller.app;
    let groups = store::group_member::groups_of(tx, app, user).await?;
    let locked = store::group::lock(tx, app, &groups).await?;
    let owned: Vec<i64> = locked.iter().filter(|group| group.owner == user).map(|group| group.id).collect();
    let successors = match policy {
        OwnerDeletion::HandOver => store::group_member::successors(tx, app, &owned, user).await?,
        OwnerDeletion::Dissolve => owned.into_iter().map(|group| (group, None)).collect(),
    };
    store::group_member::leave_all(tx, app, user).await?;
    leave_all_behind(tx, caller, &groups, user, now).await?;

    let heirs: Vec<(i64, UserId)> = successors.iter().filter_map(|(group, heir)| Some((*group, (*heir)?))).collect();
    store::group_member::make_owners(tx, app, &heirs).await?;
    store::group::set_owners(tx, app, &heirs, now).await?;
    let deserted: Vec<i64> = successors.iter().filter(|(_, heir)| heir.is_none()).map(|(group, _)| *group).collect();
    let mut left_behind: HashMap<i64, Vec<UserId>> = HashMap::new();
    if policy == OwnerDeletion::Dissolve {
        for group in &deserted {
            left_behind.insert(*group, store::group_member::some(tx, app, *group, Change::MAX_USERS).await?);
        }
    }
    release_all(tx, caller, &deserted, now).await?;
    store::group::end(tx, app, &deserted, now).await?;
    let successors: HashMap<i64, Option<UserId>> = successors.into_iter().collect();
    let changes = locked.iter().flat_map(|group| {
        let members = left_behind.remove(&group.id).unwrap_or_default();
        changes(group, user, successors.get(&group.id).copied(), members)
    });
    Ok(changes.collect())
}

/// What changed in a group that `user` was in, and whose successor as the owner, if they were it, is `heir`; without one
/// it ended with `members` still in it.
#[expect(clippy::option_option, reason = "not the owner, the owner without an heir, and the owner with one")]
fn changes(group: &Group, user: UserId, heir: Option<Option<UserId>>, members: Vec<UserId>) -> Vec<Change> {
    let changed = group.changed_group();
    let left = Change::MembersLeft { group: changed, users: vec![user], how: Leaving::Deleted };
    match heir {
        None => vec![left],
        Some(Some(to)) => vec![Change::OwnerChanged { group: changed, from: user, to }, left],
        Some(None) => {
            let name = group.name.clone();
            vec![Change::GroupDestroyed { group: changed, owner: user, name, members }]
        }
    }
}

/// Deletes the user's other rows.
async fn forget(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    store::group_application::forget(tx, app, user).await?;
    store::group_invitation::forget(tx, app, user).await?;
    store::super_admin::remove(tx, app, user).await?;
    store::group_list::BLOCKED.forget(tx, app, user).await?;
    store::user_block::forget(tx, app, user).await?;
    store::contact_request::forget(tx, app, user).await?;
    store::contact::forget(tx, app, user).await?;
    store::session::end_all(tx, app, user).await?;
    store::user_push::forget(tx, app, user).await?;
    store::notification_setting::forget(tx, app, user).await?;
    store::user_mute::forget(tx, app, user).await?;
    store::presence::forget(tx, app, user).await?;
    store::presence_due::forget(tx, app, user).await?;
    store::presence_subscription::forget(tx, app, user).await?;
    store::profile::delete(tx, app, user).await
}
