//! `/{org}/{app}/users/{username}/blocks` and `/{org}/{app}/sdk/user/{username}/blocks` (agora.md 10.2).

use axum::{
    body::Body,
    extract::{Path, State},
    response::Response,
};
use tidings_dialects::agora::{self as codec, Refusal, User};
use tidings_domain::{Caller, Error, UserId, Username};
use tidings_proto::pb;
use tidings_runtime::context;

use super::{
    contact::{OfUser, found, known_user, parsed, refused},
    context::RequestContext,
    people::{self, Named, path_user},
    users::shown,
};
use crate::Gateway;

pub(crate) async fn list(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = listed(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn add(State(gateway): State<Gateway>, context: RequestContext, named: Named, body: Body) -> Response {
    let outcome = blocked(&gateway, &context, named, body).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn remove(
    State(gateway): State<Gateway>,
    context: RequestContext,
    named: Named,
    body: Body,
) -> Response {
    let outcome = unblocked(&gateway, &context, named, body).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn remove_named(State(gateway): State<Gateway>, context: RequestContext, path: OfUser) -> Response {
    let outcome = unblocked_in_path(&gateway, &context, path).await;
    context.answer(&gateway, outcome).await
}

async fn listed(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, user) = people::own(gateway, context, path_user(named)).await?;
    let page = codec::block_page(&context.query)?;
    let user = known_user(gateway, &caller, &user).await?;
    let request = pb::ListBlockedUsersRequest { user_id: Some(user), page_size: page.size, page_token: page.cursor };
    let request = context::request(&caller, request);
    let reply = gateway.clients().directory.clone().list_blocked_users(request).await.map_err(refused)?.into_inner();
    let ids: Vec<UserId> = reply.user_ids.into_iter().map(UserId).collect();
    let names = people::names(gateway, &caller, [], ids.iter().copied()).await?;
    let names: Vec<String> = ids.iter().map(|id| names.of(*id)).collect();
    let next = Some(reply.next_page_token.as_str()).filter(|token| !token.is_empty());
    Ok(codec::blocked_names(&context.call(&identity.app), context.timing(gateway), &names, next))
}

async fn blocked(gateway: &Gateway, context: &RequestContext, named: Named, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, user) = people::own(gateway, context, path_user(named)).await?;
    let names = codec::block_names(&context.read(body).await?)?;
    change(gateway, &caller, &user, &names, true).await?;
    let names: Vec<String> = names.iter().map(|name| name.folded().to_owned()).collect();
    Ok(codec::blocked_names(&context.call(&identity.app), context.timing(gateway), &names, None))
}

async fn unblocked(gateway: &Gateway, context: &RequestContext, named: Named, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, user) = people::own(gateway, context, path_user(named)).await?;
    let names = codec::block_names(&context.read(body).await?)?;
    let others = change(gateway, &caller, &user, &names, false).await?;
    let others: Vec<User<'_>> = others.iter().map(shown).collect();
    Ok(codec::related(&context.call(&identity.app), context.timing(gateway), &others))
}

/// The last segment may name several, with commas.
async fn unblocked_in_path(gateway: &Gateway, context: &RequestContext, path: OfUser) -> Result<Vec<u8>, Refusal> {
    let (user, names) = path.map_or_else(|_| (String::new(), String::new()), |Path((_, _, user, names))| (user, names));
    let (identity, caller, user) = people::own(gateway, context, parsed(&user)).await?;
    let names = names.split(',').filter(|name| !name.is_empty()).map(parsed).collect::<Result<Vec<_>, _>>()?;
    let others = change(gateway, &caller, &user, &names, false).await?;
    let others: Vec<User<'_>> = others.iter().map(shown).collect();
    Ok(codec::related(&context.call(&identity.app), context.timing(gateway), &others))
}

/// Changes the list, for all or, if one does not exist, for none; returns the others.
async fn change(
    gateway: &Gateway,
    caller: &Caller,
    user: &Username,
    names: &[Username],
    blocked: bool,
) -> Result<Vec<pb::User>, Error> {
    let all: Vec<&Username> = [user].into_iter().chain(names).collect();
    let mut others = found(gateway, caller, &all).await?;
    if others.is_empty() {
        return Err(Error::internal("the directory returned fewer users than requested"));
    }
    let user = others.remove(0);
    let blocked_ids = others.iter().map(|other| other.id).collect();
    let request = pb::BlockUsersRequest { user_id: Some(user.id), blocked_ids, blocked };
    gateway.clients().directory.clone().block_users(context::request(caller, request)).await.map_err(refused)?;
    Ok(others)
}
