//! The questions to hooks before groups and rooms change (tencent.md 6.1).

use std::collections::{HashMap, HashSet};

use tidings_dialects::tencent::{
    Callback, ChangedGroup, GroupToCreate, group_before_apply, group_before_create, group_before_invite, group_verdict,
};
use tidings_domain::{Caller, ConversationKind, Error, GroupKind, HookSubject, Reason, UserId};

use super::not_found;
use crate::{
    app::{
        Core,
        hook_round::{HookRound, refused_member},
    },
    model::group::{Group, Outcomes},
    store,
};

impl Core {
    /// Before the group is created with these members and its owner, by users or by the app.
    pub(super) async fn ask_creation(&self, caller: &Caller, group: &Group, members: &[UserId]) -> Result<(), Error> {
        let people: Vec<UserId> = [group.owner].into_iter().chain(members.iter().copied()).collect();
        let Some(round) = self.hook_round(caller, HookSubject::GroupCreation, kind_of(group.kind), &people).await?
        else {
            return Ok(());
        };
        let living = self.living(caller, &people).await?;
        if let Some(missing) = people.iter().find(|user| !living.contains(user)) {
            return Err(Error::user_not_found(missing.to_string()));
        }
        let accounts: Vec<_> = members.iter().map(|user| round.account(*user)).collect();
        let new_group = GroupToCreate {
            operator: &round.account(caller.actor.user()),
            owner: &round.account(group.owner),
            kind: group.kind,
            name: &group.name,
            owned: store::membership::count_owned(&self.db, caller.app, group.owner, group.kind).await?,
            members: &accounts.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
            event_time: round.now,
        };
        for hook in &round.hooks {
            round.ask(hook, Callback::GroupBeforeCreate, group_before_create(&new_group), group_verdict).await?;
        }
        Ok(())
    }

    /// Before a user joins or applies. As with the vendor, hooks are not called for what the app does on behalf of a
    /// user, and a member who enters again, as clients do when they reconnect, does not join.
    pub(super) async fn ask_application(&self, caller: &Caller, group: i64, user: UserId) -> Result<(), Error> {
        if caller.is_app() {
            return Ok(());
        }
        let Some((group, round)) = self.hook_round_in(caller, HookSubject::GroupApplication, group, &[user]).await?
        else {
            return Ok(());
        };
        if self.members_of(caller, &group, &[user]).await?.contains(&user) {
            return Err(already_member(user));
        }
        let account = round.account(user);
        for hook in &round.hooks {
            let body = group_before_apply(&changed(&round, &group, &account));
            round.ask(hook, Callback::GroupBeforeApply, body, group_verdict).await?;
        }
        Ok(())
    }

    /// Before users are added, by users or by the app: why some of them are refused. Each hook is called for those
    /// whom the ones before it let in. It is not called for unknown users and members, and they are not added either.
    pub(super) async fn ask_invitation(
        &self,
        caller: &Caller,
        group: i64,
        users: &[UserId],
    ) -> Result<Outcomes, Error> {
        let Some((group, round)) = self.hook_round_in(caller, HookSubject::GroupInvitation, group, users).await? else {
            return Ok(Outcomes::new());
        };
        let rights = self.group_rights(caller, group.id).await?;
        rights.need_inviter(&group.settings)?;
        let (living, members) = (self.living(caller, users).await?, self.members_of(caller, &group, users).await?);
        let (mut left, mut refused) = (Vec::with_capacity(users.len()), Outcomes::new());
        for &user in users {
            if !living.contains(&user) {
                refused.push((user, Err(Error::user_not_found(user.to_string()))));
            } else if members.contains(&user) {
                refused.push((user, Err(already_member(user))));
            } else {
                left.push(user);
            }
        }
        let operator = round.account(caller.actor.user());
        for hook in &round.hooks {
            if left.is_empty() {
                break;
            }
            let accounts: Vec<_> = left.iter().map(|user| round.account(*user)).collect();
            let accounts: Vec<&str> = accounts.iter().map(AsRef::as_ref).collect();
            let body = group_before_invite(&changed(&round, &group, &operator), &accounts);
            let but = round.ask(hook, Callback::GroupBeforeInvite, body, group_verdict).await?;
            left.retain(|user| {
                let is_refused = but.iter().any(|account| *account == round.account(*user));
                if is_refused {
                    refused.push((*user, Err(refused_member())));
                }
                !is_refused
            });
        }
        Ok(refused)
    }

    /// The group and its hooks; `None`: no hook is called. A thread's members are in its group already.
    async fn hook_round_in<'a>(
        &'a self,
        caller: &'a Caller,
        subject: HookSubject,
        group: i64,
        people: &[UserId],
    ) -> Result<Option<(Group, HookRound<'a>)>, Error> {
        if self.screening_app(caller).await?.is_none() {
            return Ok(None);
        }
        let found = store::group::find(&self.db, caller.app, &[group]).await?.into_iter().next();
        let group = found.ok_or_else(|| not_found(group))?;
        if group.is_thread() {
            return Ok(None);
        }
        if !group.enabled && !caller.is_app() {
            return Err(Error::new(Reason::GroupDisabled, group.id.to_string()));
        }
        let round = self.hook_round(caller, subject, kind_of(group.kind), people).await?;
        Ok(round.map(|round| (group, round)))
    }

    async fn members_of(&self, caller: &Caller, group: &Group, users: &[UserId]) -> Result<HashSet<UserId>, Error> {
        store::group_member::members_of(&self.db, caller.app, group.id, users).await
    }

    async fn living(&self, caller: &Caller, users: &[UserId]) -> Result<HashSet<UserId>, Error> {
        let found = store::users::find_by_ids(&self.db, caller.app, users).await?;
        Ok(found.into_iter().map(|user| user.id).collect())
    }
}

fn already_member(user: UserId) -> Error {
    Error::new(Reason::AlreadyGroupMember, user.to_string())
}

fn changed<'a>(round: &HookRound<'_>, group: &Group, operator: &'a str) -> ChangedGroup<'a> {
    ChangedGroup { group: group.id, kind: group.kind, operator, event_time: round.now }
}

const fn kind_of(kind: GroupKind) -> ConversationKind {
    match kind {
        GroupKind::Group => ConversationKind::Group,
        GroupKind::Room => ConversationKind::Room,
    }
}

/// The outcomes in the order of `users`: of those whom a hook let in, and of the others.
pub(super) fn together(users: &[UserId], refused: Outcomes, done: Outcomes) -> Outcomes {
    if refused.is_empty() {
        return done;
    }
    let mut outcomes = refused;
    outcomes.extend(done);
    let place: HashMap<UserId, usize> = users.iter().enumerate().map(|(place, user)| (*user, place)).collect();
    outcomes.sort_by_key(|(user, _)| place.get(user).copied());
    outcomes
}

/// Those of `users` who are not in `refused`.
pub(super) fn admitted(users: &[UserId], refused: &Outcomes) -> Vec<UserId> {
    let refused: HashSet<UserId> = refused.iter().map(|(user, _)| *user).collect();
    users.iter().copied().filter(|user| !refused.contains(user)).collect()
}
