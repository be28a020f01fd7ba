//! Threads: groups that belong to a message of another group, whose members they share. What a thread is asked for like any
//! group (members, messages) goes through the use-cases of groups.

use std::collections::{BTreeSet, HashSet};

use tidings_domain::{
    Actor, AppId, Caller, Change, Error, GroupKind, GroupRole, Joining, MsgId, Reason, UnixMillis, UserId,
};
use tidings_store::Tx;

use super::{create::take_number, join::join, not_found};
use crate::{
    app::{Core, subject::check_self},
    model::group::{ApplyApproval, Group, GroupChange, NewThread, Settings},
    store,
};

/// Maximum length of a thread's name in characters.
const MAX_NAME_CHARS: usize = 64;
/// Threads that end in one transaction.
const STEP: usize = 200;
/// Those who see a message that is for some members only.
const MAX_VIEWERS: usize = 2_000;

impl Core {
    /// The owner, who must be a member of the group, is its first member. Of a message for some members only, they are the
    /// others, and it is hidden from everyone else.
    pub(crate) async fn create_thread(&self, caller: &Caller, new: NewThread) -> Result<Group, Error> {
        let owner = new.owner.unwrap_or(caller.actor.user());
        if owner == UserId::ADMIN {
            return Err(Error::invalid("owner_id", "is required when the app itself calls"));
        }
        check_self(caller, owner)?;
        check_name(&new.name)?;
        if new.msg <= MsgId::ZERO {
            return Err(Error::invalid("msg_id", "must be the id of a message"));
        }
        if new.viewers.len() > MAX_VIEWERS {
            return Err(Error::invalid("viewer_ids", format!("must be at most {MAX_VIEWERS}")));
        }
        let (app, now) = (caller.app, self.clock.now());
        let people: BTreeSet<UserId> = new.viewers.iter().copied().chain([owner]).collect();
        let people: Vec<UserId> = people.into_iter().filter(|user| *user != UserId::ADMIN).collect();
        let mut tx = self.db.begin().await?;
        let living = store::users::hold(&mut tx, app, &people).await?;
        if !living.contains(&owner) {
            return Err(Error::user_not_found(owner.to_string()));
        }
        let (parent, _) = self.open_enabled_group(&mut tx, caller, new.group).await?;
        if parent.is_thread() || parent.kind == GroupKind::Room {
            return Err(Error::invalid("group_id", "must be a group, neither a room nor a thread"));
        }
        let in_parent = store::thread::hold_in_parent(&mut tx, app, parent.id, &people).await?;
        if !in_parent.contains(&owner) {
            return Err(Error::new(Reason::NotGroupMember, owner.to_string()));
        }
        if let Some(earlier) = store::thread::of_message(&mut tx, app, parent.id, new.msg).await? {
            return Err(Error::new(Reason::ThreadExists, earlier.to_string()));
        }
        let id = GroupKind::Group.generated(take_number(&mut tx, app).await?);
        let is_other = |user: &UserId| *user != owner && living.contains(user) && in_parent.contains(user);
        let others: Vec<UserId> = people.into_iter().filter(is_other).collect();
        let is_open = new.viewers.is_empty();
        let member_count = 1 + others.len() as i64;
        let thread = Group { member_count, ..thread_of(&parent, id, (owner, new.msg), (new.name, is_open), now) };
        let ordinary = others.iter().map(|user| (*user, GroupRole::Member));
        let members: Vec<_> = [(owner, GroupRole::Owner)].into_iter().chain(ordinary).collect();
        store::group::insert(&mut tx, app, &thread).await?;
        store::group_member::insert(&mut tx, app, id, &members, now).await?;
        let name = thread.name.clone();
        let change = Change::GroupCreated { group: thread.changed_group(), owner, name, members: others };
        store::change::add(&mut tx, caller, now, &[change]).await?;
        tx.commit().await?;
        Ok(thread)
    }

    /// A thread; users must be members of its group, or of a hidden one itself.
    pub(crate) async fn get_thread(&self, caller: &Caller, thread: i64) -> Result<Group, Error> {
        let found = store::group::find(&self.db, caller.app, &[thread]).await?.into_iter().next();
        let found = found.filter(Group::is_thread).ok_or_else(|| not_found(thread))?;
        self.group_rights(caller, found.parent_group).await?.need_member()?;
        if found.is_hidden() && !self.is_in(caller, thread).await? {
            return Err(not_found(thread));
        }
        Ok(found)
    }

    /// Whether the caller is the app, or a member of that group itself.
    async fn is_in(&self, caller: &Caller, group: i64) -> Result<bool, Error> {
        let Actor::User(user) = caller.actor else { return Ok(true) };
        Ok(!self.memberships_of(caller.app, user, &[group]).await?.is_empty())
    }

    /// Those of the groups that a user is in.
    pub(super) async fn memberships_of(&self, app: AppId, user: UserId, groups: &[i64]) -> Result<HashSet<i64>, Error> {
        let found = store::membership::find(&self.db, app, user, groups, self.clock.now()).await?;
        Ok(found.into_iter().filter(|it| it.role.is_some()).map(|it| it.group).collect())
    }

    /// Needs the thread's owner, or an admin of its group.
    pub(crate) async fn update_thread(&self, caller: &Caller, thread: i64, name: String) -> Result<Group, Error> {
        check_name(&name)?;
        self.get_thread(caller, thread).await?;
        self.update_group(caller, thread, GroupChange { name: Some(name), ..GroupChange::default() }).await
    }

    /// Needs an admin of its group.
    pub(crate) async fn delete_thread(&self, caller: &Caller, thread: i64) -> Result<Group, Error> {
        self.get_thread(caller, thread).await?;
        self.destroy_group(caller, thread).await
    }

    /// Adds all users or none; existing members stay. Users add only themselves.
    pub(crate) async fn join_thread(&self, caller: &Caller, thread: i64, users: &[UserId]) -> Result<Group, Error> {
        for user in users {
            check_self(caller, *user)?;
        }
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let living = store::users::hold(&mut tx, caller.app, users).await?;
        let (opened, _) = self.open_enabled_group(&mut tx, caller, thread).await?;
        if !opened.is_thread() {
            return Err(not_found(thread));
        }
        if let (true, Actor::User(user)) = (opened.is_hidden(), caller.actor) {
            let standing = store::group_member::standings(&mut tx, caller.app, thread, &[user]).await?;
            if standing.first().is_none_or(|standing| standing.role.is_none()) {
                return Err(not_found(thread));
            }
        }
        for (_, outcome) in join(&mut tx, caller, &opened, users, &living, now, Joining::Joined).await? {
            match outcome {
                Err(error) if error.reason() != Reason::AlreadyGroupMember => return Err(error),
                _ => {}
            }
        }
        let member_count = store::group_member::count(&mut tx, caller.app, thread).await?;
        tx.commit().await?;
        Ok(Group { member_count, ..opened }.at(now))
    }

    /// Ends some threads of a group that is about to end; false when none are left. A group whose end is refused keeps
    /// its threads.
    pub(super) async fn end_threads(&self, caller: &Caller, group: i64, now: UnixMillis) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let (_, rights) = self.open_enabled_group(&mut tx, caller, group).await?;
        rights.need_owner()?;
        let threads = store::thread::first_of(&mut tx, caller.app, group, STEP as i64).await?;
        if threads.is_empty() {
            return Ok(false);
        }
        let locked = store::group::lock(&mut tx, caller.app, &threads).await?;
        store::group::end(&mut tx, caller.app, &threads, now).await?;
        let ended = |thread: &Group| Change::GroupDestroyed {
            group: thread.changed_group(),
            owner: thread.owner,
            name: thread.name.clone(),
            members: Vec::new(),
        };
        let changes: Vec<Change> = locked.iter().map(ended).collect();
        store::change::add(&mut tx, caller, now, &changes).await?;
        tx.commit().await?;
        Ok(threads.len() == STEP)
    }

    /// The rights in a thread of a user who is not in it: those of its group, unless it is hidden from them.
    pub(super) async fn role_in_parent(
        &self,
        caller: &Caller,
        group: i64,
        user: UserId,
    ) -> Result<Option<GroupRole>, Error> {
        let found = store::group::find(&self.db, caller.app, &[group]).await?.into_iter().next();
        let Some(thread) = found.filter(|group| group.is_thread() && !group.is_hidden()) else {
            return Ok(None);
        };
        let now = self.clock.now();
        let found = store::membership::find(&self.db, caller.app, user, &[thread.parent_group], now).await?;
        Ok(found.into_iter().next().and_then(|membership| membership.role))
    }
}

/// The rights of a user with that role in the locked group. A thread belongs to its group: the group's admins may do
/// everything in it, its own owner what an admin may.
pub(super) async fn role_in(
    tx: &mut Tx,
    app: AppId,
    group: &Group,
    user: UserId,
    role: Option<GroupRole>,
) -> Result<Option<GroupRole>, Error> {
    if !group.is_thread() || (group.is_hidden() && role.is_none()) {
        return Ok(role);
    }
    let standings = store::group_member::standings(tx, app, group.parent_group, &[user]).await?;
    Ok(match standings.first().and_then(|standing| standing.role) {
        Some(GroupRole::Admin | GroupRole::Owner) => Some(GroupRole::Owner),
        Some(GroupRole::Member) => role.map(|role| role.min(GroupRole::Admin)),
        None => None,
    })
}

/// Every member of the group may join an open one at once, and reads what was said in it before.
fn thread_of(
    parent: &Group,
    id: i64,
    (owner, msg): (UserId, MsgId),
    (name, is_open): (String, bool),
    now: UnixMillis,
) -> Group {
    let settings = Settings {
        apply_approval: if is_open { ApplyApproval::All } else { ApplyApproval::None },
        member_invite: false,
        history_visible: true,
        max_members: parent.settings.max_members,
        ..Settings::default_of(GroupKind::Group)
    };
    Group {
        id,
        kind: GroupKind::Group,
        name,
        description: String::new(),
        avatar: String::new(),
        owner,
        member_count: 1,
        created_at: now,
        updated_at: now,
        settings,
        enabled: true,
        parent_group: parent.id,
        parent_msg: msg,
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    let length = name.chars().count();
    if !(1..=MAX_NAME_CHARS).contains(&length) || name.contains('\0') {
        return Err(Error::invalid("name", "must be from 1 to 64 characters without U+0000"));
    }
    Ok(())
}
