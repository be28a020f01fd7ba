//! Attributes and display names of members in one group.

use std::collections::HashMap;

use tidings_domain::{Caller, Change, Error, GroupRole, Reason, UserId};
use tidings_store::Tx;

use super::{outcomes::standings, rights::Rights};
use crate::{
    app::Core,
    model::{
        check_text,
        group::{Group, Member},
        sharing::{Attribute, check_member_attributes, check_member_total},
    },
    store,
};

/// Maximum bytes of a display name.
const MAX_DISPLAY_NAME: usize = 256;

impl Core {
    /// Members set their own, admins everybody's; an empty value removes an attribute. All attributes of the member after
    /// the change.
    pub(crate) async fn set_member_attributes(
        &self,
        caller: &Caller,
        group: i64,
        user: Option<i64>,
        attributes: &[Attribute],
    ) -> Result<Vec<Attribute>, Error> {
        check_member_attributes(attributes)?;
        let user = user.map_or(caller.actor.user(), UserId);
        let mut tx = self.db.begin().await?;
        store::users::hold(&mut tx, caller.app, &[user]).await?;
        let group = self.open_member(&mut tx, caller, group, user).await?;
        let before = store::member_attribute::of_user(&mut tx, caller.app, group.id, user).await?;
        let mut after: HashMap<&str, &str> = before.iter().map(|(name, value)| (&**name, &**value)).collect();
        for (name, value) in attributes {
            if value.is_empty() {
                after.remove(name.as_str());
            } else {
                after.insert(name, value);
            }
        }
        let mut after: Vec<Attribute> =
            after.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        after.sort_unstable();
        check_member_total(&after)?;
        let set: Vec<&Attribute> = after.iter().filter(|attribute| !before.contains(attribute)).collect();
        let has = |name: &str| after.iter().any(|(kept, _)| kept == name);
        let removed: Vec<&str> = before.iter().map(|(name, _)| &**name).filter(|name| !has(name)).collect();
        store::member_attribute::upsert(&mut tx, caller.app, group.id, user, &set).await?;
        store::member_attribute::delete(&mut tx, caller.app, group.id, user, &removed).await?;
        let names = set.iter().map(|(name, _)| name.clone()).chain(removed.iter().map(|name| (*name).to_owned()));
        self.record(&mut tx, caller, &group, user, names.collect()).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// Of those of `users` who are members, in the order of the request. Needs a member. Without `names`, all.
    pub(crate) async fn get_member_attributes(
        &self,
        caller: &Caller,
        group: i64,
        users: &[UserId],
        names: &[String],
    ) -> Result<Vec<(UserId, Vec<Attribute>)>, Error> {
        self.group_rights(caller, group).await?.need_member()?;
        let members = store::group_member::members_of(&self.db, caller.app, group, users).await?;
        let mut found = store::member_attribute::of_users(&self.db, caller.app, group, users).await?;
        let is_requested = |(name, _): &Attribute| names.is_empty() || names.contains(name);
        let shown = users.iter().filter(|user| members.contains(user)).map(|user| {
            let attributes = found.remove(user).unwrap_or_default();
            (*user, attributes.into_iter().filter(is_requested).collect())
        });
        Ok(shown.collect())
    }

    /// Those of `users` who are members, in the order of the request. Needs a member.
    pub(crate) async fn get_members(
        &self,
        caller: &Caller,
        group: i64,
        users: &[UserId],
    ) -> Result<Vec<Member>, Error> {
        self.group_rights(caller, group).await?.need_member()?;
        let now = self.clock.now();
        let found = store::group_member::find(&self.db, caller.app, group, users).await?;
        let mut found: HashMap<UserId, Member> = found.into_iter().map(|member| (member.user, member)).collect();
        let members = users.iter().filter_map(|user| found.remove(user));
        Ok(members.map(|member| Member { muted: member.muted.at(now), ..member }).collect())
    }

    /// Members set their own, admins everybody's; empty is none.
    pub(crate) async fn set_display_name(
        &self,
        caller: &Caller,
        group: i64,
        user: Option<i64>,
        name: &str,
    ) -> Result<(), Error> {
        check_text("display_name", name, MAX_DISPLAY_NAME)?;
        let user = user.map_or(caller.actor.user(), UserId);
        let mut tx = self.db.begin().await?;
        store::users::hold(&mut tx, caller.app, &[user]).await?;
        let group = self.open_member(&mut tx, caller, group, user).await?;
        if store::group_member::set_display_name(&mut tx, caller.app, group.id, user, name).await? {
            self.record(&mut tx, caller, &group, user, vec!["display_name".to_owned()]).await?;
        }
        tx.commit().await
    }

    /// The locked group of a member whose attributes the caller may change: their own, or an admin everybody's.
    async fn open_member(&self, tx: &mut Tx, caller: &Caller, group: i64, user: UserId) -> Result<Group, Error> {
        let (group, rights) = self.open_enabled_group(tx, caller, group).await?;
        match rights {
            Rights::User(own, _) if own == user => rights.need_member()?,
            Rights::App | Rights::User(..) => rights.need_admin()?,
        }
        let role: Option<GroupRole> =
            standings(tx, caller.app, group.id, &[user]).await?.get(&user).and_then(|standing| standing.role);
        if role.is_none() {
            return Err(Error::new(Reason::NotGroupMember, user.to_string()));
        }
        Ok(group)
    }

    /// Records a change of a member, if anything changed.
    async fn record(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        group: &Group,
        user: UserId,
        names: Vec<String>,
    ) -> Result<(), Error> {
        if names.is_empty() {
            return Ok(());
        }
        let change = Change::MemberChanged { group: group.changed_group(), user, names };
        store::change::add(tx, caller, self.clock.now(), &[change]).await
    }
}
