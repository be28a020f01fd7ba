//! What is removed when members leave a group in any way: their attributes in it, and of a room
//! the attributes that they set to go with them.

use std::collections::BTreeMap;

use tidings_domain::{Caller, Change, Error, UnixMillis, UserId};
use tidings_store::Tx;

use super::shared_files::changed;
use crate::store;

/// Called in the transaction in which `users` leave the locked `group`.
pub(super) async fn leave_behind(
    tx: &mut Tx,
    caller: &Caller,
    group: i64,
    users: &[UserId],
    now: UnixMillis,
) -> Result<(), Error> {
    store::member_attribute::leave(tx, caller.app, group, users).await?;
    let leavers: Vec<(i64, UserId)> = users.iter().map(|user| (group, *user)).collect();
    remove_attributes(tx, caller, &leavers, now).await
}

/// Called in the transaction in which a user leaves all of their locked `groups`.
pub(crate) async fn leave_all_behind(
    tx: &mut Tx,
    caller: &Caller,
    groups: &[i64],
    user: UserId,
    now: UnixMillis,
) -> Result<(), Error> {
    store::member_attribute::forget(tx, caller.app, user).await?;
    let leavers: Vec<(i64, UserId)> = groups.iter().map(|group| (*group, user)).collect();
    remove_attributes(tx, caller, &leavers, now).await
}

async fn remove_attributes(
    tx: &mut Tx,
    caller: &Caller,
    leavers: &[(i64, UserId)],
    now: UnixMillis,
) -> Result<(), Error> {
    let mut removed: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for (room, name) in store::room_attribute::leave(tx, caller.app, leavers).await? {
        removed.entry(room).or_default().push(name);
    }
    let changes = removed.into_iter().map(|(room, mut names)| {
        names.sort_unstable();
        Change::AttributesChanged { group: changed(room), names, is_set: false }
    });
    store::change::add(tx, caller, now, &changes.collect::<Vec<_>>()).await
}
