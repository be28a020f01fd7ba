//! Groups and rooms, one use-case per file.

mod add_members;
mod allow;
mod announcement;
mod apply;
mod ask_hooks;
mod block;
mod create;
mod decide;
mod destroy;
mod invite;
mod join;
mod leave;
pub(super) mod leave_behind;
mod list_threads;
mod member_attributes;
mod members;
mod memberships;
mod mute;
mod outcomes;
mod read;
mod remove_members;
mod rights;
mod room_attributes;
mod set_admins;
pub(super) mod shared_files;
mod threads;
mod transfer;
mod update;

use tidings_domain::{Actor, Caller, Error, Reason};
use tidings_store::Tx;

use self::rights::Rights;
use super::Core;
use crate::{model::group::Group, store};

impl Core {
    /// A group to be changed: locked until the transaction ends, with the caller's rights in it.
    async fn open_group(&self, tx: &mut Tx, caller: &Caller, group: i64) -> Result<(Group, Rights), Error> {
        let opened = store::group::lock(tx, caller.app, &[group]).await?.into_iter().next();
        let opened = opened.ok_or_else(|| not_found(group))?;
        let rights = match caller.actor {
            Actor::App => Rights::App,
            Actor::User(user) => {
                let standing = store::group_member::standings(tx, caller.app, group, &[user]).await?;
                let role = standing.first().and_then(|standing| standing.role);
                Rights::User(user, threads::role_in(tx, caller.app, &opened, user, role).await?)
            }
        };
        Ok((opened, rights))
    }

    /// The same, but users may change nothing while the group is disabled.
    async fn open_enabled_group(&self, tx: &mut Tx, caller: &Caller, group: i64) -> Result<(Group, Rights), Error> {
        let (opened, rights) = self.open_group(tx, caller, group).await?;
        if !opened.enabled && caller.actor != Actor::App {
            return Err(Error::new(Reason::GroupDisabled, group.to_string()));
        }
        Ok((opened, rights))
    }

    /// The caller's rights in a group that is only read.
    async fn group_rights(&self, caller: &Caller, group: i64) -> Result<Rights, Error> {
        let user = caller.actor.user();
        let now = self.clock.now();
        let found = store::membership::find(&self.db, caller.app, user, &[group], now).await?;
        let membership = found.into_iter().next().ok_or_else(|| not_found(group))?;
        Ok(match caller.actor {
            Actor::App => Rights::App,
            Actor::User(user) if membership.role.is_some() => Rights::User(user, membership.role),
            Actor::User(user) => Rights::User(user, self.role_in_parent(caller, group, user).await?),
        })
    }
}

fn not_found(group: i64) -> Error {
    Error::new(Reason::GroupNotFound, group.to_string())
}
