//! Reads groups.

use std::collections::HashMap;

use tidings_domain::{Actor, Caller, Error, GroupKind};

use crate::{
    app::{Core, page::page},
    model::group::{Group, Part},
    store::{self, group::Listed},
};

const MAX_GROUPS: usize = 100;

impl Core {
    /// Those of `groups` that exist, in the order of the request.
    pub(crate) async fn get_groups(&self, caller: &Caller, groups: &[i64]) -> Result<Vec<Group>, Error> {
        if groups.len() > MAX_GROUPS {
            return Err(Error::invalid("group_ids", format!("must be at most {MAX_GROUPS}")));
        }
        let now = self.clock.now();
        let found = store::group::find(&self.db, caller.app, groups).await?;
        let mut found: HashMap<i64, Group> = found.into_iter().map(|group| (group.id, group)).collect();
        let hidden: Vec<i64> = found.values().filter(|group| group.is_hidden()).map(|group| group.id).collect();
        if let (Actor::User(user), false) = (caller.actor, hidden.is_empty()) {
            let own = self.memberships_of(caller.app, user, &hidden).await?;
            found.retain(|id, group| !group.is_hidden() || own.contains(id));
        }
        Ok(groups.iter().filter_map(|id| found.remove(id)).map(|group| group.at(now)).collect())
    }

    /// A part of the app's groups of a kind, and where the next page starts. Users see the public groups and their
    /// own, and all rooms, which are never hidden.
    pub(crate) async fn list_groups(
        &self,
        caller: &Caller,
        kind: GroupKind,
        public_only: bool,
        part: Part,
    ) -> Result<(Vec<Group>, Option<i64>), Error> {
        let now = self.clock.now();
        let one_more = Part { limit: part.limit + 1, ..part };
        let listed = match (caller.actor, kind) {
            _ if public_only => Listed::Public,
            (Actor::App, _) | (_, GroupKind::Room) => Listed::All,
            (Actor::User(user), GroupKind::Group) => Listed::To(user),
        };
        let found = store::group::list(&self.db, caller.app, kind, listed, one_more).await?;
        let groups = found.into_iter().map(|group| group.at(now)).collect();
        Ok(page(groups, part.limit, |group: &Group| group.id))
    }
}
