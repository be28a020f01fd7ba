//! Counts a user's unread messages, only from the log.
//!
//! Every row contains how many countable messages its conversation had including it, in total and of the lower party.
//! The number above a mark is the head's count minus the count at the mark; in a group the user's own are counted by an
//! index of their own. So the cost does not depend on the number of unread messages of others.

use std::{cmp::Reverse, collections::HashMap};

use tidings_directory_client::DirectoryCache;
use tidings_domain::{AppId, Caller, ConversationId, Error, GroupKind, Membership, MsgId, UserId};

use crate::{
    Deps,
    store::{
        above::{self, Above},
        listed::{self, Below, Listed},
    },
};

/// Memberships requested from the directory at once.
const GROUPS_AT_ONCE: usize = 600;

/// The user's cursors in a conversation.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    pub read: MsgId,
    /// The conversation is left out unless it has a message above this.
    pub unlisted: MsgId,
}

impl Mark {
    const NONE: Self = Self { read: MsgId::ZERO, unlisted: MsgId::ZERO };
}

/// A user's marks by conversation.
pub type Marks = HashMap<ConversationId, Mark>;

/// A conversation with its unread count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread {
    pub conversation: ConversationId,
    /// The newest message that the user can read; if there is none, the newest that there was.
    pub head: MsgId,
    pub unread: i64,
}

/// Which of the user's conversations.
#[derive(Debug, Clone, Copy)]
pub struct ConversationFilter<'a> {
    /// Whether groups are left out.
    pub direct_only: bool,
    /// `None`: all.
    pub only: Option<&'a [ConversationId]>,
}

/// The user's conversations, ordered by the newest message they can read, at most `limit`, below `before` unless it is
/// zero.
pub async fn unread(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    marks: &Marks,
    (limit, before): (usize, MsgId),
    ConversationFilter { direct_only, only }: ConversationFilter<'_>,
) -> Result<Vec<Unread>, Error> {
    let Deps { db, directory, .. } = deps;
    let groups = match only {
        _ if direct_only => HashMap::new(),
        None => groups(directory, caller, user).await?,
        Some(only) => groups_among(directory, caller, user, only).await?,
    };
    let hidden_up_to = |place| groups.get(&place).copied().unwrap_or(MsgId::ZERO).max(mark_of(marks, place).unlisted);
    let is_listed = |place, head: MsgId| head > hidden_up_to(place) && (before == MsgId::ZERO || head < before);

    let mut direct = match only {
        None => listed::conversations(db, caller.app, user).await?,
        Some(only) => {
            let of_user = only.iter().copied().filter(|place| place.peer_of(user).is_some());
            listed::listed(db, caller.app, user, &of_user.collect::<Vec<_>>()).await?
        }
    };
    look_back(deps, (caller.app, user), marks, &mut direct, hidden_up_to, |it| {
        (it.conversation, &mut it.listed_msg_id, it.is_hidden)
    })
    .await?;
    direct.retain(|it| is_listed(it.conversation, it.listed_msg_id));
    direct.sort_unstable_by_key(|it| (Reverse(it.listed_msg_id), it.conversation));
    direct.truncate(limit);
    let heads: HashMap<ConversationId, MsgId> = direct.iter().map(|it| (it.conversation, it.listed_msg_id)).collect();
    let (open, read): (Vec<Listed>, Vec<Listed>) =
        direct.into_iter().partition(|listed| listed.listed_msg_id > mark_of(marks, listed.conversation).read);
    let mut unread: Vec<Unread> = read.iter().map(nothing).collect();

    let open = open.iter().map(|listed| (listed.conversation, mark_of(marks, listed.conversation).read));
    let of_groups = groups.iter().map(|(place, floor)| (*place, mark_of(marks, *place).read.max(*floor)));
    let asked: Vec<_> = open.chain(of_groups).collect();
    let mut found = above::above(db, caller.app, user, &asked).await?;
    for above in &mut found {
        if let Some(head) = heads.get(&above.conversation) {
            (above.listed_msg_id, above.is_hidden) = (*head, false);
        }
    }
    look_back(deps, (caller.app, user), marks, &mut found, hidden_up_to, |it| {
        (it.conversation, &mut it.listed_msg_id, it.is_hidden)
    })
    .await?;
    found.retain(|above| is_listed(above.conversation, above.listed_msg_id));
    unread.extend(found.iter().map(|above| counted(user, above)));

    unread.sort_unstable_by_key(|entry| (Reverse(entry.head), entry.conversation));
    unread.truncate(limit);
    Ok(unread)
}

/// Replaces messages that the user cannot see by the newest one they can. If there is none the entry keeps its
/// position, unless the conversation was deleted before.
async fn look_back<T>(
    Deps { db, .. }: &Deps,
    (app, user): (AppId, UserId),
    marks: &Marks,
    entries: &mut [T],
    floor: impl Fn(ConversationId) -> MsgId,
    parts: impl Fn(&mut T) -> (ConversationId, &mut MsgId, bool),
) -> Result<(), Error> {
    let mut requested = Vec::new();
    for entry in &mut *entries {
        let (conversation, head, is_hidden) = parts(entry);
        let floor = floor(conversation);
        if is_hidden && *head > floor {
            requested.push(Below { conversation, below: *head, floor });
        }
    }
    let newest = listed::newest(db, app, user, &requested).await?;
    for entry in entries {
        if let (conversation, head, true) = parts(entry) {
            let was_deleted = mark_of(marks, conversation).unlisted > MsgId::ZERO;
            let left = if was_deleted { MsgId::ZERO } else { *head };
            *head = newest.get(&conversation).copied().unwrap_or(left);
        }
    }
    Ok(())
}

/// The groups that the user is in, each with the last message from before they joined. Rooms are not listed
/// (decision 29).
async fn groups(
    directory: &DirectoryCache,
    caller: &Caller,
    user: UserId,
) -> Result<HashMap<ConversationId, MsgId>, Error> {
    if user == UserId::ADMIN {
        return Ok(HashMap::new());
    }
    let joined = directory.joined(caller, user, GroupKind::Group).await?;
    let floor = |membership: &Membership| (membership.conversation(), membership.joined_floor());
    Ok(joined.iter().map(floor).collect())
}

/// The same of these groups.
async fn groups_among(
    directory: &DirectoryCache,
    caller: &Caller,
    user: UserId,
    only: &[ConversationId],
) -> Result<HashMap<ConversationId, MsgId>, Error> {
    let ids = only.iter().filter_map(|place| match place {
        ConversationId::Group(group) => Some(group.0),
        ConversationId::Direct(..) | ConversationId::Room(_) => None,
    });
    let mut found = HashMap::new();
    if user == UserId::ADMIN {
        return Ok(found);
    }
    for some in ids.collect::<Vec<_>>().chunks(GROUPS_AT_ONCE) {
        let memberships = directory.memberships(caller, user, some).await?;
        let joined = memberships.into_iter().flatten().filter(|one| one.role.is_some() && one.kind == GroupKind::Group);
        found.extend(joined.map(|one| (one.conversation(), one.joined_floor())));
    }
    Ok(found)
}

fn mark_of(marks: &Marks, conversation: ConversationId) -> Mark {
    marks.get(&conversation).copied().unwrap_or(Mark::NONE)
}

const fn nothing(listed: &Listed) -> Unread {
    Unread { conversation: listed.conversation, head: listed.listed_msg_id, unread: 0 }
}

/// The unread count above a user's mark.
pub fn counted(user: UserId, above: &Above) -> Unread {
    let others = match above.conversation {
        ConversationId::Direct(low, high) if low == high => 0,
        ConversationId::Direct(low, _) if low == user => above.ordinal - above.ordinal_low,
        ConversationId::Direct(..) => above.ordinal_low,
        ConversationId::Group(_) | ConversationId::Room(_) => above.ordinal - above.own,
    };
    let unread = (others + above.late - above.unseen).max(0);
    Unread { conversation: above.conversation, head: above.listed_msg_id, unread }
}
