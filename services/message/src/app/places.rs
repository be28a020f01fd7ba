//! Where a draft goes, and whether its sender may speak there. One verdict holds for all of it.

use std::collections::{HashMap, HashSet};

use tidings_domain::{
    Actor, App, Caller, ConversationId, Draft, Error, Membership, Reason, Target, UnixMillis, UserId, UserRef,
};
use tidings_runtime::DirectoryCache;

use crate::appender::Place;

/// The sender, and each distinct conversation in the order of first mention.
pub async fn places(
    directory: &DirectoryCache,
    (caller, app): (&Caller, &App),
    draft: &Draft,
    now: UnixMillis,
) -> Result<(UserId, Vec<Place>), Error> {
    let (sender, receivers) = users(directory, caller, app, draft).await?;
    if matches!(caller.actor, Actor::User(user) if user != sender) {
        return Err(Error::not_permitted("a user sends as himself alone"));
    }
    if matches!(caller.actor, Actor::User(_)) {
        directory.check_welcome(caller, sender, &receivers).await?;
    }
    let groups = Groups { directory, caller, app, sender, now };
    groups.check(draft).await?;
    let mut receivers = receivers.into_iter();
    let mut seen = HashSet::with_capacity(draft.targets.len());
    let mut places = Vec::with_capacity(draft.targets.len());
    for target in &draft.targets {
        let place = match target {
            Target::User(user) => direct(sender, user, receivers.next().unwrap_or(sender)),
            Target::Group(group) => shared(ConversationId::Group(*group)),
            Target::Room(room) => shared(ConversationId::Room(*room)),
        };
        if seen.insert(place.conversation) {
            places.push(place);
        }
    }
    Ok((sender, places))
}

/// The sender, and the users among the targets.
async fn users(
    directory: &DirectoryCache,
    caller: &Caller,
    app: &App,
    draft: &Draft,
) -> Result<(UserId, Vec<UserId>), Error> {
    let mut users = Vec::with_capacity(draft.targets.len() + 1);
    users.push(draft.sender.clone().unwrap_or(UserRef::Id(caller.actor.user())));
    users.extend(draft.targets.iter().filter_map(|target| match target {
        Target::User(user) => Some(user.clone()),
        Target::Group(_) | Target::Room(_) => None,
    }));
    let take_down = draft.accept_unknown_names && app.policy.accept_unknown_names;
    let mut ids = directory.users(caller, &users, take_down).await?;
    let sender = ids.remove(0);
    Ok((sender, ids))
}

/// Users whom the draft names beside its targets.
pub async fn named(
    directory: &DirectoryCache,
    (caller, app): (&Caller, &App),
    draft: &Draft,
    users: &[UserRef],
) -> Result<Vec<UserId>, Error> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let take_down = draft.accept_unknown_names && app.policy.accept_unknown_names;
    let mut ids = directory.users(caller, users, take_down).await?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn direct(sender: UserId, user: &UserRef, receiver: UserId) -> Place {
    let username = match user {
        UserRef::Name(name) => name.written().to_owned(),
        UserRef::Id(_) => String::new(),
    };
    Place { conversation: ConversationId::direct(sender, receiver), receiver: receiver.0, username, discarded: false }
}

fn shared(conversation: ConversationId) -> Place {
    Place { conversation, receiver: conversation.key().0, username: String::new(), discarded: false }
}

/// The groups and rooms among the targets, as the sender meets them.
struct Groups<'a> {
    directory: &'a DirectoryCache,
    caller: &'a Caller,
    app: &'a App,
    sender: UserId,
    now: UnixMillis,
}

impl Groups<'_> {
    async fn check(&self, draft: &Draft) -> Result<(), Error> {
        let wanted: Vec<ConversationId> = draft.targets.iter().filter_map(conversation).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let mut ids: Vec<i64> = wanted.iter().map(|conversation| conversation.key().0).collect();
        ids.sort_unstable();
        ids.dedup();
        let found = self.directory.memberships(self.caller, self.sender, &ids).await?;
        let found: HashMap<i64, Option<Membership>> = ids.into_iter().zip(found).collect();
        let members_only = draft.members_only || matches!(self.caller.actor, Actor::User(_));
        for conversation in wanted {
            let membership = found.get(&conversation.key().0).copied().flatten();
            self.check_one(conversation, membership, members_only)?;
        }
        Ok(())
    }

    fn check_one(
        &self,
        conversation: ConversationId,
        membership: Option<Membership>,
        members_only: bool,
    ) -> Result<(), Error> {
        let group = conversation.key().0.to_string();
        let held = members_only && self.sender != UserId::ADMIN;
        let Some(membership) = membership else {
            if !self.app.policy.accept_unknown_groups {
                return Err(Error::new(Reason::GroupNotFound, group));
            }
            return if held { Err(Error::new(Reason::NotGroupMember, self.sender.to_string())) } else { Ok(()) };
        };
        if membership.conversation() != conversation {
            return Err(Error::new(Reason::GroupNotFound, group));
        }
        if !membership.enabled {
            return Err(Error::new(Reason::GroupDisabled, group));
        }
        if held {
            membership.check_member(self.sender)?;
            if membership.muted.holds(self.now) {
                return Err(Error::new(Reason::Muted, self.sender.to_string()));
            }
        }
        Ok(())
    }
}

const fn conversation(target: &Target) -> Option<ConversationId> {
    match target {
        Target::User(_) => None,
        Target::Group(group) => Some(ConversationId::Group(*group)),
        Target::Room(room) => Some(ConversationId::Room(*room)),
    }
}
