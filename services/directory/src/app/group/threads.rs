//! Threads: groups that belong to a message of another group, whose members they share. What a thread is asked for like any
//! group (members, messages) goes through the use-cases of groups.

use tidings_domain::{AppId, Caller, Change, Error, GroupKind, GroupRole, Joining, MsgId, Reason, UnixMillis, UserId};
use tidings_store::Tx;

use super::{
    create::{check_living, take_number},
    join::join,
    not_found,
};
use crate::{
    app::{Core, subject::check_self},
    model::group::{ApplyApproval, Group, GroupChange, NewThread, Settings},
    store,
};

/// Maximum length of a thread's name in characters.
const MAX_NAME_CHARS: usize = 64;
/// Threads that end in one transaction.
const STEP: usize = 200;

impl Core {
    /// The owner, who must be a member of the group, is its first member.
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
        let (app, now) = (caller.app, self.clock.now());
        let members = [(owner, GroupRole::Owner)];
        let mut tx = self.db.begin().await?;
        check_living(&mut tx, app, &members).await?;
        let (parent, _) = self.open_enabled_group(&mut tx, caller, new.group).await?;
        if parent.is_thread() || parent.kind == GroupKind::Room {
            return Err(Error::invalid("group_id", "must be a group, neither a room nor a thread"));
        }
        if !store::thread::hold_in_parent(&mut tx, app, parent.id, &[owner]).await?.contains(&owner) {
            return Err(Error::new(Reason::NotGroupMember, owner.to_string()));
        }
        if let Some(earlier) = store::thread::of_message(&mut tx, app, parent.id, new.msg).await? {
            return Err(Error::new(Reason::ThreadExists, earlier.to_string()));
        }
        let id = GroupKind::Group.generated(take_number(&mut tx, app).await?);
        let thread = thread_of(&parent, id, (owner, new.msg), new.name, now);
        store::group::insert(&mut tx, app, &thread).await?;
        store::group_member::insert(&mut tx, app, id, &members, now).await?;
        let name = thread.name.clone();
        let change = Change::GroupCreated { group: thread.changed_group(), owner, name, members: Vec::new() };
        store::change::add(&mut tx, caller, now, &[change]).await?;
        tx.commit().await?;
        Ok(thread)
    }

    /// A thread; users must be members of its group.
    pub(crate) async fn get_thread(&self, caller: &Caller, thread: i64) -> Result<Group, Error> {
        let found = store::group::find(&self.db, caller.app, &[thread]).await?.into_iter().next();
        let found = found.filter(Group::is_thread).ok_or_else(|| not_found(thread))?;
        self.group_rights(caller, found.parent_group).await?.need_member()?;
        Ok(found)
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

    /// Adds users, all or nobody; those who are in it already stay. Users add only themselves.
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

    /// The rights in a thread of a user who is not in it: those of its group.
    pub(super) async fn role_in_parent(
        &self,
        caller: &Caller,
        group: i64,
        user: UserId,
    ) -> Result<Option<GroupRole>, Error> {
        let found = store::group::find(&self.db, caller.app, &[group]).await?.into_iter().next();
        let Some(thread) = found.filter(Group::is_thread) else {
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
    if !group.is_thread() {
        return Ok(role);
    }
    let standings = store::group_member::standings(tx, app, group.parent_group, &[user]).await?;
    Ok(match standings.first().and_then(|standing| standing.role) {
        Some(GroupRole::Admin | GroupRole::Owner) => Some(GroupRole::Owner),
        Some(GroupRole::Member) => role.map(|role| role.min(GroupRole::Admin)),
        None => None,
    })
}

/// Every member of the group may join it at once, and reads what was said in it before.
fn thread_of(parent: &Group, id: i64, (owner, msg): (UserId, MsgId), name: String, now: UnixMillis) -> Group {
    let settings = Settings {
        apply_approval: ApplyApproval::All,
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
