//! The block list and the allow list of groups and rooms: `/{org}/{app}/chatgroups/{id}/blocks/users` and `/white/users`
//! (agora.md 10.3, 10.4). One handler, since they differ only in what is done.

use axum::{
    body::Body,
    extract::State,
    routing::{MethodRouter, get, post},
};
use tidings_dialects::agora::{self as codec, MemberDeed, PageQuery, Refusal};
use tidings_domain::{Caller, Error, GroupKind};
use tidings_proto::{page_start, page_token, pb};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    deed::{Deed, each},
    group::{handler, id_of, member_name, path_id},
    member::{MEMBERS, OfGroup, of_path, one_changed, path_member},
    people::Named,
};
use crate::{Gateway, reply::refused};

/// `/chatgroups/{id}/blocks/users`
pub(crate) fn blocks(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, list_blocked, named)).post(handler!(kind, block, named, body))
}

/// `/chatgroups/{id}/blocks/users/{username}`; several are separated by commas.
pub(crate) fn blocked(kind: GroupKind) -> MethodRouter<Gateway> {
    post(handler!(kind, block_one, member)).delete(handler!(kind, unblock, member))
}

/// `/chatgroups/{id}/white/users`
pub(crate) fn white(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, list_allowed, named)).post(handler!(kind, allow, named, body))
}

/// `/chatgroups/{id}/white/users/{username}`; several are separated by commas.
pub(crate) fn allowed(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, tell_allowed, member))
        .post(handler!(kind, allow_one, member))
        .delete(handler!(kind, disallow, member))
}

async fn block(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    in_body(gateway, context, (kind, named), body, MemberDeed::Block).await
}

async fn block_one(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    path: OfGroup,
) -> Result<Vec<u8>, Refusal> {
    in_path(gateway, context, (kind, path), MemberDeed::Block).await
}

async fn unblock(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    path: OfGroup,
) -> Result<Vec<u8>, Refusal> {
    in_path(gateway, context, (kind, path), MemberDeed::Unblock).await
}

async fn allow(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    in_body(gateway, context, (kind, named), body, MemberDeed::Allow).await
}

async fn allow_one(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    path: OfGroup,
) -> Result<Vec<u8>, Refusal> {
    in_path(gateway, context, (kind, path), MemberDeed::Allow).await
}

async fn disallow(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    path: OfGroup,
) -> Result<Vec<u8>, Refusal> {
    in_path(gateway, context, (kind, path), MemberDeed::Disallow).await
}

/// Users of the body. If none of them could be put on the allow list, the call is refused.
async fn in_body(
    gateway: &Gateway,
    context: &RequestContext,
    (kind, named): (GroupKind, Named),
    body: Body,
    deed: MemberDeed,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let group_id = path_id(gateway, &caller, kind, id_of(&named)).await?;
    let names = codec::usernames(&context.read(body).await?, deed)?;
    let outcomes = each(gateway, &caller, group_id, &names, Deed::Of(deed)).await?;
    if let Some((user, Some(error))) = outcomes.first()
        && deed == MemberDeed::Allow
        && outcomes.iter().all(|(_, error)| error.is_some())
    {
        return Err(codec::member_refusal(error, group_id, user));
    }
    let (call, which) = (context.call(&identity.app), (kind, group_id));
    Ok(codec::members_changed(&call, context.timing(gateway), which, deed, &outcomes))
}

/// One user of the path, or several.
async fn in_path(
    gateway: &Gateway,
    context: &RequestContext,
    (kind, path): (GroupKind, OfGroup),
    deed: MemberDeed,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let (id, written) = of_path(path)?;
    let group_id = path_id(gateway, &caller, kind, &id).await?;
    if written.contains(',') {
        let names = codec::path_usernames(&written, deed)?;
        let outcomes = each(gateway, &caller, group_id, &names, Deed::Of(deed)).await?;
        let (call, which) = (context.call(&identity.app), (kind, group_id));
        return Ok(codec::members_changed(&call, context.timing(gateway), which, deed, &outcomes));
    }
    let (name, user) = path_member(gateway, &caller, &written).await?;
    one_changed(gateway, context, (&identity.app, &caller), (kind, group_id), (&name, user), deed).await
}

async fn list_blocked(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
) -> Result<Vec<u8>, Refusal> {
    list(gateway, context, (kind, named), MemberDeed::Block).await
}

async fn list_allowed(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
) -> Result<Vec<u8>, Refusal> {
    list(gateway, context, (kind, named), MemberDeed::Allow).await
}

async fn list(
    gateway: &Gateway,
    context: &RequestContext,
    (kind, named): (GroupKind, Named),
    deed: MemberDeed,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let group_id = path_id(gateway, &caller, kind, id_of(&named)).await?;
    let page = PageQuery::read(&context.query, MEMBERS)?;
    let reply = read(gateway, &caller, group_id, &page, deed).await?;
    let names: Vec<String> = reply.members.iter().map(member_name).collect();
    let next = page_start(&reply.next_page_token)?;
    Ok(codec::names(&context.call(&identity.app), context.timing(gateway), &page, &names, next))
}

async fn read(
    gateway: &Gateway,
    caller: &Caller,
    group_id: i64,
    page: &PageQuery,
    deed: MemberDeed,
) -> Result<pb::ListMembersResponse, Error> {
    let (page_size, page_token) = (page.size, page_token(page.after));
    let mut client = gateway.clients().group.clone();
    let reply = if deed == MemberDeed::Block {
        let request = pb::ListBlockedRequest { group_id, page_size, page_token };
        client.list_blocked(context::request(caller, request)).await
    } else {
        let request = pb::ListAllowedRequest { group_id, page_size, page_token, user_id: None };
        client.list_allowed(context::request(caller, request)).await
    };
    Ok(reply.map_err(refused)?.into_inner())
}

async fn tell_allowed(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    path: OfGroup,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let (id, written) = of_path(path)?;
    let group_id = path_id(gateway, &caller, kind, &id).await?;
    let (_, user) = path_member(gateway, &caller, &written).await?;
    let request = pb::ListAllowedRequest { group_id, user_id: Some(user.0), ..Default::default() };
    let reply = gateway.clients().group.clone().list_allowed(context::request(&caller, request)).await;
    let white = !reply.map_err(refused)?.into_inner().members.is_empty();
    Ok(codec::is_allowed(&context.call(&identity.app), context.timing(gateway), white))
}
