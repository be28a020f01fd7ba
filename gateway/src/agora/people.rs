//! Users by name and conversations by their other party, as this dialect names them.

use std::sync::Arc;

use axum::extract::{Path, rejection::PathRejection};
use tidings_dialects::agora::{Names, Peer, Refusal, unknown_user};
use tidings_domain::{
    Caller, ConversationId, Error, GroupId, Message, Reason, RoomId, UserId, UserRef, Username, decimal_id,
};
use tidings_proto::pb;
use tidings_runtime::context;

use super::context::RequestContext;
use crate::{Gateway, identity::Identity, membership::of_group, reply::refused};

/// The path's `{org}`, `{app}` and `{username}` (or another last segment).
pub(super) type Named = Result<Path<(String, String, String)>, PathRejection>;

/// The last segment of the path. An invalid name is reported as a user who does not exist.
pub(super) fn path_user(named: Named) -> Result<Username, Error> {
    let Ok(Path((_, _, name))) = named else {
        return Err(Error::user_not_found(""));
    };
    Username::parse(&name).map_err(|_| Error::user_not_found(name))
}

/// The caller of a call on the data of the user that the path names. A user token opens only its own user's (decision 42).
pub(super) async fn own(
    gateway: &Gateway,
    context: &RequestContext,
    name: Result<Username, Error>,
) -> Result<(Arc<Identity>, Caller, Username), Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let name = name?;
    identity.check_may_name(&name)?;
    Ok((identity, caller, name))
}

/// The users' ids in the order of the request; the first that was never mentioned is an error.
pub(super) async fn ids(gateway: &Gateway, caller: &Caller, names: &[&Username]) -> Result<Vec<UserId>, Error> {
    resolve(gateway, caller, names, false).await
}

/// The same for calls on groups, which report the first unknown user by name.
pub(super) async fn existing_ids(
    gateway: &Gateway,
    caller: &Caller,
    names: &[&Username],
) -> Result<Vec<UserId>, Refusal> {
    ids(gateway, caller, names).await.map_err(|error| match error.reason() {
        Reason::UserNotFound => unknown_user(error.subject()),
        _ => Refusal::from(error),
    })
}

/// With `or_deleted`, a name without a user means its most recently deleted user.
async fn resolve(
    gateway: &Gateway,
    caller: &Caller,
    names: &[&Username],
    or_deleted: bool,
) -> Result<Vec<UserId>, Error> {
    let users = names.iter().map(|name| UserRef::Name((*name).clone()).into()).collect();
    let request = pb::ResolveUsersRequest { users, intern_unknown: false, or_deleted };
    let reply = gateway.clients().directory.clone().resolve_users(context::request(caller, request)).await;
    Ok(reply.map_err(refused)?.into_inner().users.into_iter().map(|user| UserId(user.id)).collect())
}

/// One user's id.
pub(super) async fn id(gateway: &Gateway, caller: &Caller, name: &Username) -> Result<UserId, Error> {
    let found = ids(gateway, caller, &[name]).await?;
    found.first().copied().ok_or_else(|| Error::user_not_found(name.written()))
}

/// A user, and their conversation with the other party. A group that does not exist is an error. The other party may be a
/// deleted user whose name is free now: the conversation stays listed under it.
pub(super) async fn conversation(
    gateway: &Gateway,
    caller: &Caller,
    user: &Username,
    peer: &Peer,
) -> Result<(UserId, ConversationId), Error> {
    if let Peer::User(other) = peer {
        let found = match ids(gateway, caller, &[user, other]).await {
            Err(error) if error.reason() == Reason::UserNotFound => {
                let mut found = ids(gateway, caller, &[user]).await?;
                found.extend(resolve(gateway, caller, &[other], true).await?);
                found
            }
            found => found?,
        };
        let [user, other] = found[..] else {
            return Err(Error::internal("the directory returned fewer users than requested"));
        };
        return Ok((user, ConversationId::direct(user, other)));
    }
    let user = id(gateway, caller, user).await?;
    Ok((user, group(gateway, caller, peer).await?))
}

/// The same, but a group's id may be a room's.
pub(super) async fn any_conversation(
    gateway: &Gateway,
    caller: &Caller,
    user: &Username,
    peer: &Peer,
) -> Result<(UserId, ConversationId), Error> {
    let peer = match peer {
        Peer::Group(id) if matches!(of_group(gateway, caller, *id).await?, Some(ConversationId::Room(_))) => {
            Peer::Room(*id)
        }
        peer => peer.clone(),
    };
    conversation(gateway, caller, user, &peer).await
}

/// The conversation of the group or room that the path names.
pub(super) async fn path_group(
    gateway: &Gateway,
    caller: &Caller,
    named: Named,
    peer: fn(i64) -> Peer,
) -> Result<ConversationId, Error> {
    let written = named.as_ref().map_or("", |Path((_, _, id))| id);
    let id = decimal_id(written).ok_or_else(|| Error::new(Reason::GroupNotFound, written))?;
    group(gateway, caller, &peer(id)).await
}

/// The conversation of a group or room.
pub(super) async fn group(gateway: &Gateway, caller: &Caller, peer: &Peer) -> Result<ConversationId, Error> {
    let (Peer::Group(id) | Peer::Room(id)) = peer else {
        return Err(Error::internal("a user is not a group"));
    };
    let needed = match peer {
        Peer::Room(id) => ConversationId::Room(RoomId(*id)),
        _ => ConversationId::Group(GroupId(*id)),
    };
    let found = of_group(gateway, caller, *id).await?;
    found.filter(|found| *found == needed).ok_or_else(|| Error::new(Reason::GroupNotFound, id.to_string()))
}

/// Those of the names that can be a user's, with their places.
pub(super) fn refs(names: &[String]) -> Vec<(usize, pb::UserRef)> {
    let parsed = names.iter().map(|name| Username::parse(name)).enumerate();
    parsed.filter_map(|(place, name)| Some((place, UserRef::Name(name.ok()?).into()))).collect()
}

/// The names of all users in the messages, and of these users.
pub(super) async fn names<'a>(
    gateway: &Gateway,
    caller: &Caller,
    messages: impl IntoIterator<Item = &'a Message>,
    users: impl IntoIterator<Item = UserId>,
) -> Result<Names, Error> {
    let mut needed: Vec<UserId> = users.into_iter().collect();
    for message in messages {
        needed.push(message.sender);
        needed.extend(message.conversation.peer_of(message.sender));
    }
    let names = gateway.user_names().of(gateway, caller, needed).await?;
    Ok(Names::new(names))
}
