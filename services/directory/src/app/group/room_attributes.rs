//! Attributes of a room, which all of its members see. An attribute belongs to the user who set it, until somebody
//! takes it over by force.

use std::collections::{HashMap, HashSet};

use tidings_domain::{Caller, Change, Error, GroupKind, Reason, UserId};
use tidings_store::Tx;

use super::{not_found, outcomes::standings};
use crate::{
    app::{Core, subject::check_self},
    model::{
        group::Group,
        sharing::{MAX_ROOM_ATTRIBUTES, RoomAttribute, RoomAttributes, RoomFailure, RoomOutcomes, room_fault},
    },
    store,
};

impl Core {
    /// Needs a member. Each attribute succeeds or fails independently.
    pub(crate) async fn set_room_attributes(
        &self,
        caller: &Caller,
        request: RoomAttributes,
    ) -> Result<RoomOutcomes, Error> {
        let mut tx = self.db.begin().await?;
        let (room, owner) = self.open_room(&mut tx, caller, request.room, request.user).await?;
        let before = before(&mut tx, caller, &room).await?;
        let mut count = before.len();
        let mut outcomes = RoomOutcomes::with_capacity(request.attributes.len());
        let mut set = Vec::new();
        for (name, value) in request.attributes {
            let kept = before.get(&name);
            let failure = room_fault(&name, &value).or(match kept {
                Some(kept) if kept.owner != owner && !request.forced => Some(RoomFailure::NotOwn),
                None if count >= MAX_ROOM_ATTRIBUTES => Some(RoomFailure::TooMany),
                Some(_) | None => None,
            });
            outcomes.push((name.clone(), failure));
            if failure.is_none() {
                count += usize::from(kept.is_none());
                let attribute = RoomAttribute { name, value, owner, auto_delete: request.auto_delete };
                set.extend(Some(attribute).filter(|attribute| kept != Some(attribute)));
            }
        }
        store::room_attribute::upsert(&mut tx, caller.app, room.id, &set).await?;
        let names = set.into_iter().map(|attribute| attribute.name).collect();
        self.record_attributes(&mut tx, caller, &room, names, true).await?;
        tx.commit().await?;
        Ok(outcomes)
    }

    /// Needs a member. Each attribute succeeds or fails independently; one that does not exist is removed already.
    pub(crate) async fn remove_room_attributes(
        &self,
        caller: &Caller,
        room: i64,
        user: Option<i64>,
        names: Vec<String>,
        forced: bool,
    ) -> Result<RoomOutcomes, Error> {
        let mut tx = self.db.begin().await?;
        let (room, owner) = self.open_room(&mut tx, caller, room, user).await?;
        let before = before(&mut tx, caller, &room).await?;
        let failure = |name: &String| {
            let is_foreign = before.get(name).is_some_and(|kept| kept.owner != owner);
            (is_foreign && !forced).then_some(RoomFailure::NotOwn)
        };
        let outcomes: RoomOutcomes = names.into_iter().map(|name| (name.clone(), failure(&name))).collect();
        let removed = outcomes.iter().filter(|(name, failure)| failure.is_none() && before.contains_key(name));
        let removed: Vec<&str> = removed.map(|(name, _)| name.as_str()).collect();
        store::room_attribute::delete(&mut tx, caller.app, room.id, &removed).await?;
        let names = removed.into_iter().map(str::to_owned).collect();
        self.record_attributes(&mut tx, caller, &room, names, false).await?;
        tx.commit().await?;
        Ok(outcomes)
    }

    /// By name. Needs a member. Without `names`, all.
    pub(crate) async fn get_room_attributes(
        &self,
        caller: &Caller,
        room: i64,
        names: &[String],
    ) -> Result<Vec<RoomAttribute>, Error> {
        self.group_rights(caller, room).await?.need_member()?;
        let mut attributes = store::room_attribute::list(&self.db, caller.app, room).await?;
        if !names.is_empty() {
            let names: HashSet<&str> = names.iter().map(String::as_str).collect();
            attributes.retain(|attribute| names.contains(attribute.name.as_str()));
        }
        Ok(attributes)
    }

    /// The locked room, and in whose name its attributes are changed: a member's, or the app's own.
    async fn open_room(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        room: i64,
        user: Option<i64>,
    ) -> Result<(Group, UserId), Error> {
        let user = user.map_or(caller.actor.user(), UserId);
        check_self(caller, user)?;
        let (group, _) = self.open_enabled_group(tx, caller, room).await?;
        if group.kind != GroupKind::Room {
            return Err(not_found(room));
        }
        if user != UserId::ADMIN {
            let standings = standings(tx, caller.app, room, &[user]).await?;
            if standings.get(&user).is_none_or(|standing| standing.role.is_none()) {
                return Err(Error::new(Reason::NotGroupMember, user.to_string()));
            }
        }
        Ok((group, user))
    }

    async fn record_attributes(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        room: &Group,
        names: Vec<String>,
        is_set: bool,
    ) -> Result<(), Error> {
        if names.is_empty() {
            return Ok(());
        }
        let change = Change::AttributesChanged { group: room.changed_group(), names, is_set };
        store::change::add(tx, caller, self.clock.now(), &[change]).await
    }
}

async fn before(tx: &mut Tx, caller: &Caller, room: &Group) -> Result<HashMap<String, RoomAttribute>, Error> {
    let attributes = store::room_attribute::list_in(tx, caller.app, room.id).await?;
    Ok(attributes.into_iter().map(|attribute| (attribute.name.clone(), attribute)).collect())
}
