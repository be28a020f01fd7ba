//! The conversations of a draft, and whether its sender may write there. The result applies to the draft as a whole.

use std::collections::{HashMap, HashSet};

use tidings_directory_client::DirectoryCache;
use tidings_domain::{
    Actor, App, Caller, ConversationId, Draft, Error, Membership, Reason, Target, UnixMillis, UserId, UserRef,
};

use crate::appender::{AppendTarget, Refused};

/// The targets of a call.
#[derive(Debug)]
pub struct Found {
    pub sender: UserId,
    /// The distinct conversations in the order of first mention.
    pub places: Vec<AppendTarget>,
    /// Why the sender cannot send to all of them.
    pub refused: Option<CallRefusal>,
}

/// Why a call is refused as a whole.
#[derive(Debug)]
pub struct CallRefusal {
    pub why: Refused,
    /// The conversations that the reason applies to. The others are refused only because one verdict applies to the whole
    /// call (decision 3), so no event reports this reason for them.
    pub of: HashSet<ConversationId>,
}

/// The targets of the draft. Errors other than the kinds that [`Refused::of`] knows are returned as errors.
pub async fn places(
    directory: &DirectoryCache,
    (caller, app): (&Caller, &App),
    draft: &Draft,
    now: UnixMillis,
) -> Result<Found, Error> {
    let (sender, receivers) = match users(directory, (caller, app), draft).await {
        Ok(found) => found,
        Err(error) => return Box::pin(unknown(directory, (caller, app), draft, error)).await,
    };
    check_sender(caller, sender)?;
    let mut receiver = receivers.iter().copied();
    let mut seen = HashSet::with_capacity(draft.targets.len());
    let mut places = Vec::with_capacity(draft.targets.len());
    for target in &draft.targets {
        let place = match target {
            Target::User(user) => direct(sender, user, receiver.next().unwrap_or(sender)),
            Target::Group(group) => shared(ConversationId::Group(*group)),
            Target::Room(room) => shared(ConversationId::Room(*room)),
        };
        if seen.insert(place.conversation) {
            places.push(place);
        }
    }
    let groups = Groups { directory, caller, app, sender, now };
    let refused = match caller.actor {
        Actor::User(_) => unwelcome(directory, (caller, app), sender, &receivers).await?,
        Actor::App => None,
    };
    let refused =
        if refused.is_some() { refused } else { muted(directory, (caller, app), (sender, now), &places).await? };
    let refused = if refused.is_some() { refused } else { groups.check(draft).await? };
    Ok(Found { sender, places, refused })
}

/// Refuses senders in conversations of a kind in which they are muted. The app itself may send on their behalf, unless
/// its policy says otherwise.
async fn muted(
    directory: &DirectoryCache,
    (caller, app): (&Caller, &App),
    (sender, now): (UserId, UnixMillis),
    places: &[AppendTarget],
) -> Result<Option<CallRefusal>, Error> {
    let is_bound = matches!(caller.actor, Actor::User(_)) || app.policy.mutes_bind_app;
    if !is_bound || sender == UserId::ADMIN {
        return Ok(None);
    }
    let mutes = directory.mutes((caller, app), sender).await?;
    let conversations = places.iter().map(|place| place.conversation);
    let of: HashSet<ConversationId> = conversations.filter(|place| mutes.holds(place.kind(), now)).collect();
    if of.is_empty() {
        return Ok(None);
    }
    let why = Refused::of(Error::new(Reason::UserMuted, sender.to_string()))?;
    Ok(Some(CallRefusal { why, of }))
}

/// The reasons why users do not accept messages of the sender.
async fn unwelcome(
    directory: &DirectoryCache,
    (caller, app): (&Caller, &App),
    sender: UserId,
    receivers: &[UserId],
) -> Result<Option<CallRefusal>, Error> {
    let found = directory.unwelcoming(caller, sender, receivers, app.policy.friends_only).await?;
    for (reason, users) in [(Reason::BlockedByReceiver, found.blockers), (Reason::NotAContact, found.strangers)] {
        if let Some(first) = receivers.iter().find(|receiver| users.contains(receiver)) {
            let why = Refused::of(Error::new(reason, first.to_string()))?;
            let of = users.into_iter().map(|user| ConversationId::direct(sender, user)).collect();
            return Ok(Some(CallRefusal { why, of }));
        }
    }
    Ok(None)
}

fn check_sender(caller: &Caller, sender: UserId) -> Result<(), Error> {
    match caller.actor {
        Actor::User(user) if user != sender => Err(Error::not_permitted("users send only as themselves")),
        _ => Ok(()),
    }
}

/// The targets of a call that names a user who does not exist: the conversation of the error's subject. The others were
/// not looked up, and are not resolved for a call that is refused.
async fn unknown(
    directory: &DirectoryCache,
    (caller, app): (&Caller, &App),
    draft: &Draft,
    error: Error,
) -> Result<Found, Error> {
    let sent_by = draft.sender.clone().unwrap_or(UserRef::Id(caller.actor.user()));
    if error.reason() != Reason::UserNotFound || (is_meant(&error, &sent_by) && !caller.is_app()) {
        return Err(error);
    }
    let sender = known_or_nobody(directory, (caller, app), &sent_by).await?;
    check_sender(caller, sender)?;
    let meant = draft.targets.iter().find(|target| matches!(target, Target::User(user) if is_meant(&error, user)));
    let place = match meant.or_else(|| draft.targets.first()) {
        Some(Target::User(user)) => direct(sender, user, known_or_nobody(directory, (caller, app), user).await?),
        Some(Target::Group(group)) => shared(ConversationId::Group(*group)),
        Some(Target::Room(room)) => shared(ConversationId::Room(*room)),
        None => return Err(error),
    };
    let of = HashSet::from([place.conversation]);
    Ok(Found { sender, places: vec![place], refused: Some(CallRefusal { why: Refused::of(error)?, of }) })
}

/// Whether this is the user who does not exist.
fn is_meant(error: &Error, user: &UserRef) -> bool {
    match user {
        UserRef::Id(id) => id.to_string() == error.subject(),
        UserRef::Name(name) => name.written() == error.subject(),
    }
}

/// A number is used as it is, whether such a user exists or not.
async fn known_or_nobody(
    directory: &DirectoryCache,
    (caller, app): (&Caller, &App),
    user: &UserRef,
) -> Result<UserId, Error> {
    if let UserRef::Id(id) = user {
        return Ok(*id);
    }
    match directory.users((caller, app), std::slice::from_ref(user), false).await {
        Ok(ids) => Ok(ids.first().copied().unwrap_or(UserId::NOBODY)),
        Err(error) if error.reason() == Reason::UserNotFound => Ok(UserId::NOBODY),
        Err(error) => Err(error),
    }
}

/// The sender, and the users among the targets.
async fn users(
    directory: &DirectoryCache,
    (caller, app): (&Caller, &App),
    draft: &Draft,
) -> Result<(UserId, Vec<UserId>), Error> {
    let mut users = Vec::with_capacity(draft.targets.len() + 1);
    users.push(draft.sender.clone().unwrap_or(UserRef::Id(caller.actor.user())));
    users.extend(draft.targets.iter().filter_map(|target| match target {
        Target::User(user) => Some(user.clone()),
        Target::Group(_) | Target::Room(_) => None,
    }));
    let intern = draft.accept_unknown_names && app.policy.accept_unknown_names;
    let mut ids = directory.users((caller, app), &users, intern).await?;
    let sender = ids.remove(0);
    Ok((sender, ids))
}

/// Users that the draft names in addition to its targets.
pub async fn named(
    directory: &DirectoryCache,
    (caller, app): (&Caller, &App),
    draft: &Draft,
    users: &[UserRef],
) -> Result<Vec<UserId>, Error> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let intern = draft.accept_unknown_names && app.policy.accept_unknown_names;
    let mut ids = directory.users((caller, app), users, intern).await?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn direct(sender: UserId, user: &UserRef, receiver: UserId) -> AppendTarget {
    let username = match user {
        UserRef::Name(name) => name.written().to_owned(),
        UserRef::Id(_) => String::new(),
    };
    AppendTarget {
        conversation: ConversationId::direct(sender, receiver),
        receiver: receiver.0,
        username,
        discarded: false,
    }
}

fn shared(conversation: ConversationId) -> AppendTarget {
    AppendTarget { conversation, receiver: conversation.key().0, username: String::new(), discarded: false }
}

/// The groups and rooms among the targets, with the sender's rights in them.
struct Groups<'a> {
    directory: &'a DirectoryCache,
    caller: &'a Caller,
    app: &'a App,
    sender: UserId,
    now: UnixMillis,
}

impl Groups<'_> {
    async fn check(&self, draft: &Draft) -> Result<Option<CallRefusal>, Error> {
        let requested: Vec<ConversationId> = draft.targets.iter().filter_map(conversation).collect();
        if requested.is_empty() {
            return Ok(None);
        }
        let mut ids: Vec<i64> = requested.iter().map(|conversation| conversation.key().0).collect();
        ids.sort_unstable();
        ids.dedup();
        let found = self.directory.memberships(self.caller, self.sender, &ids).await?;
        let found: HashMap<i64, Option<Membership>> = ids.into_iter().zip(found).collect();
        let members_only = draft.members_only || matches!(self.caller.actor, Actor::User(_));
        let mut verdict: Option<CallRefusal> = None;
        for conversation in requested {
            let membership = found.get(&conversation.key().0).copied().flatten();
            let Err(error) = self.check_one(conversation, membership, members_only) else { continue };
            match &mut verdict {
                None => verdict = Some(CallRefusal { why: Refused::of(error)?, of: HashSet::from([conversation]) }),
                Some(CallRefusal { why, of }) if why.reason == error.reason() && why.subject == error.subject() => {
                    of.insert(conversation);
                }
                Some(_) => {}
            }
        }
        Ok(verdict)
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
                let why = if membership.muted_with_all { Reason::GroupMuted } else { Reason::Muted };
                return Err(Error::new(why, self.sender.to_string()));
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
