//! Lists reactions to messages, and who added one.

use std::collections::BTreeMap;

use tidings_domain::{Actor, Caller, ConversationId, Error, MsgId, Reason, UserId};

use super::{find, react::id_of};
use crate::{
    Deps,
    store::{
        reaction::{self, Listed, Reaction, Reactor},
        which::Which,
    },
};

/// Maximum number of messages per call.
const MOST_MESSAGES: usize = 20;

/// A message and its reactions.
#[derive(Debug)]
pub struct OfMessage {
    pub msg_id: MsgId,
    pub conversation: ConversationId,
    pub reactions: Vec<Listed>,
}

/// The reactions to messages, as `user` sees them, in the order of the request. Messages that they cannot read are left
/// out.
pub async fn of_messages(deps: &Deps, caller: &Caller, user: UserId, ids: &[MsgId]) -> Result<Vec<OfMessage>, Error> {
    if ids.is_empty() || ids.len() > MOST_MESSAGES {
        return Err(Error::invalid("msg_ids", "must be from 1 to 20"));
    }
    let viewer = viewer(caller, user);
    let mut places: Vec<(ConversationId, MsgId)> = Vec::with_capacity(ids.len());
    for msg_id in ids {
        match find::readable(deps, &viewer, *msg_id).await {
            Ok(conversation) if !places.contains(&(conversation, *msg_id)) => places.push((conversation, *msg_id)),
            Ok(_) => {}
            Err(error) if error.reason() == Reason::MessageNotFound => {}
            Err(error) => return Err(error),
        }
    }
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let mut listed: BTreeMap<MsgId, Vec<Listed>> = BTreeMap::new();
    for one in reaction::list(&deps.db, caller.app, &places, user).await? {
        listed.entry(one.msg_id).or_default().push(one);
    }
    let of_place = |(conversation, msg_id)| OfMessage {
        msg_id,
        conversation,
        reactions: listed.remove(&msg_id).unwrap_or_default(),
    };
    Ok(places.into_iter().map(of_place).collect())
}

/// A page of the users of one reaction.
#[derive(Debug)]
pub struct ReactorQuery {
    pub msg_id: MsgId,
    pub user: UserId,
    pub text: String,
    /// Maximum number of users.
    pub limit: i32,
    /// The place after which the page starts.
    pub after: i64,
}

/// The users of a reaction.
#[derive(Debug)]
pub struct Reactors {
    pub id: i64,
    /// `None`: no user has added it.
    pub reaction: Option<Reaction>,
    /// Whether the asking user has.
    pub own: bool,
    /// In the order in which they added it.
    pub users: Vec<Reactor>,
    /// Where the next page starts; 0 if there is none.
    pub next: i64,
}

/// Who added a reaction to a message that the asking user can read.
pub async fn reactors(deps: &Deps, caller: &Caller, query: ReactorQuery) -> Result<Reactors, Error> {
    let conversation = find::readable(deps, &viewer(caller, query.user), query.msg_id).await?;
    let which = Which { app: caller.app, conversation, msg_id: query.msg_id };
    let id = id_of(query.msg_id, &query.text);
    let reaction = reaction::find(&deps.db, which, id).await?;
    let mut users = reaction::users(&deps.db, which, id, query.after, i64::from(query.limit) + 1).await?;
    let has_more = users.len() > query.limit as usize;
    users.truncate(query.limit as usize);
    let next = users.last().filter(|_| has_more).map_or(0, |last| last.place);
    let own = reaction::has(&deps.db, which, id, query.user).await?;
    Ok(Reactors { id, reaction, own, users, next })
}

/// The caller whose rights apply: the app itself sees what the user whom it names sees, and without one everything.
fn viewer(caller: &Caller, user: UserId) -> Caller {
    let actor = if user == UserId::ADMIN { caller.actor } else { Actor::User(user) };
    Caller { actor, ..caller.clone() }
}
