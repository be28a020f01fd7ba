//! Creates a group or room.

use std::collections::HashSet;

use tidings_domain::{AppId, Caller, Change, Error, GroupRole, MsgId, Reason, UserId};
use tidings_store::Tx;

use crate::{
    app::{Core, subject::check_self},
    model::{
        AppKey,
        group::{Group, NewGroup, Settings},
    },
    store,
};

impl Core {
    /// The owner and the members join at once. The call fails as a whole if one of them is unknown.
    pub(crate) async fn create_group(&self, caller: &Caller, new: NewGroup) -> Result<Group, Error> {
        let (owner, others) = people(caller, &new)?;
        if new.needs_super_admin {
            self.need_super_admin(caller).await?;
        }
        let now = self.clock.now();
        let group = Group {
            id: 0,
            kind: new.kind,
            name: new.name,
            description: new.description,
            avatar: new.avatar,
            owner,
            member_count: others.len() as i64 + 1,
            created_at: now,
            updated_at: now,
            settings: Settings::default_of(new.kind).changed(new.settings)?,
            enabled: true,
            parent_group: 0,
            parent_msg: MsgId::ZERO,
        };
        group.check_texts()?;
        if group.member_count > group.settings.max_members {
            return Err(Error::new(Reason::GroupFull, group.member_count.to_string()));
        }
        self.ask_creation(caller, &group, &others).await?;
        let mut tx = self.db.begin().await?;
        let id = group.kind.generated(take_number(&mut tx, caller.app).await?);
        let group = Group { id, ..group };
        let mut members = vec![(owner, GroupRole::Owner)];
        members.extend(others.iter().copied().map(|user| (user, GroupRole::Member)));
        check_living(&mut tx, caller.app, &members).await?;
        store::group::insert(&mut tx, caller.app, &group).await?;
        store::group_member::insert(&mut tx, caller.app, id, &members, now).await?;
        let change =
            Change::GroupCreated { group: group.changed_group(), owner, name: group.name.clone(), members: others };
        store::change::add(&mut tx, caller, now, &[change]).await?;
        tx.commit().await?;
        Ok(group.at(now))
    }
}

/// The owner, and the distinct other members.
fn people(caller: &Caller, new: &NewGroup) -> Result<(UserId, Vec<UserId>), Error> {
    let owner = new.owner.unwrap_or(caller.actor.user());
    if owner == UserId::ADMIN {
        return Err(Error::invalid("owner_id", "is required when the app itself calls"));
    }
    check_self(caller, owner)?;
    let mut seen = HashSet::from([owner]);
    let others = new.members.iter().copied().filter(|user| seen.insert(*user)).collect();
    Ok((owner, others))
}

/// A number of the app's single id space.
pub(super) async fn take_number(tx: &mut Tx, app: AppId) -> Result<i64, Error> {
    let number = store::app::take_user_numbers(tx, app, 1).await?;
    number.ok_or_else(|| AppKey::Id(app).not_found())
}

pub(super) async fn check_living(tx: &mut Tx, app: AppId, members: &[(UserId, GroupRole)]) -> Result<(), Error> {
    let users: Vec<UserId> = members.iter().map(|(user, _)| *user).collect();
    let living = store::users::hold(tx, app, &users).await?;
    match users.iter().find(|user| !living.contains(user)) {
        Some(missing) => Err(Error::user_not_found(missing.to_string())),
        None => Ok(()),
    }
}
