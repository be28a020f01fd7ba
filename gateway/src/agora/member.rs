//! Members of groups and rooms: `/{org}/{app}/chatgroups/{id}/users` (agora.md 10.3, 10.4).

use std::collections::HashMap;

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
    routing::{MethodRouter, get, post},
};
use tidings_dialects::agora::{self as codec, MemberDeed, Refusal};
use tidings_domain::{App, Caller, Error, GroupKind, Reason, UserId, Username};
use tidings_proto::pb;
use tidings_runtime::context;

use super::{
    context::RequestContext,
    group::{handler, id_of, known, member_name, path_group},
    page::page_of,
    people::{self, Named},
};
use crate::{Gateway, membership::membership, reply::refused};

/// The path's `{org}`, `{app}`, `{id}` and `{username}`.
type OfGroup = Result<Path<(String, String, String, String)>, PathRejection>;

/// Maximum number of members per request to the directory.
const BATCH: i32 = 1_000;

/// `/chatgroups/{id}/users`
pub(crate) fn all(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, list, named)).post(handler!(kind, add_many, named, body))
}

/// `/chatgroups/{id}/users/{username}`, where a deletion takes several separated by commas.
pub(crate) fn one(kind: GroupKind) -> MethodRouter<Gateway> {
    post(move |State(gateway): State<Gateway>, context: RequestContext, path: OfGroup| async move {
        let outcome = add(&gateway, &context, kind, path).await;
        context.answer(&gateway, outcome).await
    })
    .delete(move |State(gateway): State<Gateway>, context: RequestContext, path: OfGroup| async move {
        let outcome = remove(&gateway, &context, kind, path).await;
        context.answer(&gateway, outcome).await
    })
}

/// `GET /chatgroups/{id}/user/{username}/is_joined`
pub(crate) async fn is_joined(State(gateway): State<Gateway>, context: RequestContext, path: OfGroup) -> Response {
    let outcome = find(&gateway, &context, path).await;
    context.answer(&gateway, outcome).await
}

async fn list(gateway: &Gateway, context: &RequestContext, kind: GroupKind, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let group = path_group(gateway, &caller, kind, id_of(&named)).await?;
    let (mut skip, take) = page_of(&context.query)?;
    let mut members = Vec::with_capacity(take);
    let mut page_token = String::new();
    while members.len() < take {
        let request = pb::ListMembersRequest { group_id: group.id, page_size: BATCH, page_token };
        let reply = gateway.clients().group.clone().list_members(context::request(&caller, request)).await;
        let page = reply.map_err(refused)?.into_inner();
        let here = page.members.iter().skip(skip).take(take - members.len());
        members.extend(here.map(|member| (member.role() == pb::GroupRole::Owner, member_name(member))));
        skip = skip.saturating_sub(page.members.len());
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    Ok(codec::members(&context.call(&identity.app), context.timing(gateway), &members))
}

async fn add_many(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let group = path_group(gateway, &caller, kind, id_of(&named)).await?;
    let names = codec::usernames(&context.read(body).await?)?;
    let users = known(gateway, &caller, &names.iter().collect::<Vec<_>>()).await?;
    let results = change(gateway, &caller, group.id, &users, MemberDeed::Add).await?;
    let mut added = Vec::with_capacity(names.len());
    for (name, user) in names.iter().zip(&users) {
        match results.get(user) {
            None => added.push(name.folded().to_owned()),
            Some(error) if error.reason() == Reason::AlreadyGroupMember => {}
            Some(error) => return Err(codec::member_refusal(error, group.id, name.folded())),
        }
    }
    Ok(codec::members_added(&context.call(&identity.app), context.timing(gateway), (kind, group.id), added))
}

async fn add(gateway: &Gateway, context: &RequestContext, kind: GroupKind, path: OfGroup) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let (id, name) = of_path(path)?;
    let group = path_group(gateway, &caller, kind, &id).await?;
    one_changed(gateway, context, (&identity.app, &caller), (kind, group.id), &name, MemberDeed::Add).await
}

async fn remove(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    path: OfGroup,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let (id, names) = of_path(path)?;
    let group = path_group(gateway, &caller, kind, &id).await?;
    if !names.contains(',') {
        let which = (kind, group.id);
        return one_changed(gateway, context, (&identity.app, &caller), which, &names, MemberDeed::Remove).await;
    }
    let names: Vec<&str> = names.split(',').filter(|name| !name.is_empty()).collect();
    if names.len() > 60 {
        let text = "kickMember: kickMembers number more than maxSize : 60";
        return Err(Refusal::new(400, "invalid_parameter", text));
    }
    let removed = remove_each(gateway, &caller, group.id, &names).await?;
    let call = context.call(&identity.app);
    Ok(codec::members_removed(&call, context.timing(gateway), (kind, group.id), &removed))
}

fn of_path(path: OfGroup) -> Result<(String, String), Error> {
    match path {
        Ok(Path((_, _, id, name))) => Ok((id, name)),
        Err(_) => Err(Error::user_not_found("")),
    }
}

async fn one_changed(
    gateway: &Gateway,
    context: &RequestContext,
    (app, caller): (&App, &Caller),
    (kind, group): (GroupKind, i64),
    written: &str,
    deed: MemberDeed,
) -> Result<Vec<u8>, Refusal> {
    let name = Username::parse(written).map_err(|_| codec::unknown_user(written))?;
    let users = known(gateway, caller, &[&name]).await?;
    let results = change(gateway, caller, group, &users, deed).await?;
    if let Some(error) = users.first().and_then(|user| results.get(user)) {
        return Err(codec::member_refusal(error, group, name.folded()));
    }
    let call = context.call(app);
    Ok(codec::member_changed(&call, context.timing(gateway), (kind, group), deed, name.folded()))
}

/// Each independently; unknown names are reported with the others.
async fn remove_each(
    gateway: &Gateway,
    caller: &Caller,
    group: i64,
    names: &[&str],
) -> Result<Vec<(String, Option<Error>)>, Error> {
    let mut removed = Vec::with_capacity(names.len());
    for written in names {
        let folded = written.to_ascii_lowercase();
        let user = match Username::parse(written) {
            Ok(name) => people::id(gateway, caller, &name).await,
            Err(_) => Err(Error::user_not_found(*written)),
        };
        let refusal = match user {
            Ok(user) => change(gateway, caller, group, &[user], MemberDeed::Remove).await?.remove(&user),
            Err(error) if error.reason() == Reason::UserNotFound => Some(error),
            Err(error) => return Err(error),
        };
        removed.push((folded, refusal));
    }
    Ok(removed)
}

/// Why users could not be changed.
async fn change(
    gateway: &Gateway,
    caller: &Caller,
    group_id: i64,
    users: &[UserId],
    deed: MemberDeed,
) -> Result<HashMap<UserId, Error>, Error> {
    let user_ids = users.iter().map(|user| user.0).collect();
    let mut client = gateway.clients().group.clone();
    let reply = match deed {
        MemberDeed::Add => {
            client.add_members(context::request(caller, pb::AddMembersRequest { group_id, user_ids })).await
        }
        MemberDeed::Remove => {
            client.remove_members(context::request(caller, pb::RemoveMembersRequest { group_id, user_ids })).await
        }
    };
    let failed = reply.map_err(refused)?.into_inner().results.into_iter().filter(|result| !result.reason.is_empty());
    let error = |result: pb::MemberResult| match Reason::from_name(&result.reason) {
        Some(reason) => (UserId(result.user_id), Error::new(reason, result.user_id.to_string())),
        None => (UserId(result.user_id), Error::internal(result.text)),
    };
    Ok(failed.map(error).collect())
}

async fn find(gateway: &Gateway, context: &RequestContext, path: OfGroup) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let (id, name) = of_path(path)?;
    let group = path_group(gateway, &caller, GroupKind::Group, &id).await?;
    let name = Username::parse(&name).map_err(|_| codec::unknown_user(&name))?;
    let user = known(gateway, &caller, &[&name]).await?.into_iter().next().unwrap_or(UserId::ADMIN);
    let membership = membership(gateway, &caller, user, group.id).await?;
    let joined = membership.is_some_and(|membership| membership.role.is_some());
    Ok(codec::is_joined(&context.call(&identity.app), context.timing(gateway), joined))
}
