//! Admins and mutes of groups and rooms: `/{org}/{app}/chatgroups/{id}/admin`, `/mute` and `/ban` (agora.md 10.3, 10.4).

use axum::{
    body::Body,
    extract::State,
    routing::{MethodRouter, delete, get, post},
};
use tidings_dialects::agora::{self as codec, PageQuery, Refusal};
use tidings_domain::{Caller, Error, GroupKind, Mute};
use tidings_proto::{mute_end, mute_or_none, page_start, page_token, pb};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    deed::{Deed, each, perform},
    group::{handler, id_of, member_name, path_id},
    member::{MEMBERS, OfGroup, of_path, path_member},
    people::Named,
};
use crate::{Gateway, membership::membership, reply::refused};

/// `/chatgroups/{id}/admin`
pub(crate) fn admins(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, list_admins, named)).post(handler!(kind, add_admin, named, body))
}

/// `/chatgroups/{id}/admin/{username}`
pub(crate) fn admin(kind: GroupKind) -> MethodRouter<Gateway> {
    delete(handler!(kind, remove_admin, member))
}

/// `/chatgroups/{id}/mute`
pub(crate) fn mutes(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, list_muted, named)).post(handler!(kind, mute, named, body))
}

/// `/chatgroups/{id}/mute/{username}`, or several separated by commas.
pub(crate) fn unmute(kind: GroupKind) -> MethodRouter<Gateway> {
    delete(handler!(kind, end_mutes, member))
}

/// `/sdk/chatgroups/{id}/mute/{username}`: whether a user may not speak.
pub(crate) fn is_muted(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, tell_muted, member))
}

/// `/chatgroups/{id}/ban`
pub(crate) fn ban(kind: GroupKind) -> MethodRouter<Gateway> {
    post(handler!(kind, mute_all, named)).delete(handler!(kind, unmute_all, named))
}

async fn listed(
    gateway: &Gateway,
    caller: &Caller,
    group_id: i64,
    page: &PageQuery,
    filter: pb::MemberFilter,
) -> Result<pb::ListMembersResponse, Error> {
    let request = pb::ListMembersRequest {
        group_id,
        page_size: page.size,
        page_token: page_token(page.after),
        filter: filter.into(),
        skip: page.skip,
    };
    let reply = gateway.clients().group.clone().list_members(context::request(caller, request)).await;
    Ok(reply.map_err(refused)?.into_inner())
}

async fn list_admins(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let group_id = path_id(gateway, &caller, kind, id_of(&named)).await?;
    let page = PageQuery::read(&context.query, MEMBERS)?;
    let reply = listed(gateway, &caller, group_id, &page, pb::MemberFilter::Admins).await?;
    let names: Vec<String> = reply.members.iter().map(member_name).collect();
    let next = page_start(&reply.next_page_token)?;
    Ok(codec::names(&context.call(&identity.app), context.timing(gateway), &page, &names, next))
}

async fn add_admin(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let group_id = path_id(gateway, &caller, kind, id_of(&named)).await?;
    let written = codec::new_admin(&context.read(body).await?)?;
    let admin = set_admin(gateway, &caller, group_id, &written, true).await?;
    Ok(codec::admin_changed(&context.call(&identity.app), context.timing(gateway), &admin, true))
}

async fn remove_admin(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    path: OfGroup,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let (id, written) = of_path(path)?;
    let group_id = path_id(gateway, &caller, kind, &id).await?;
    let former = set_admin(gateway, &caller, group_id, &written, false).await?;
    Ok(codec::admin_changed(&context.call(&identity.app), context.timing(gateway), &former, false))
}

/// Returns the user's name as it is shown.
async fn set_admin(
    gateway: &Gateway,
    caller: &Caller,
    group_id: i64,
    written: &str,
    admin: bool,
) -> Result<String, Refusal> {
    let (name, user) = path_member(gateway, caller, written).await?;
    match perform(gateway, caller, group_id, &[user], Deed::Admin(admin)).await?.get(&user) {
        Some(error) => Err(codec::role_refusal(error, group_id, name.folded())),
        None => Ok(name.folded().to_owned()),
    }
}

async fn mute(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let group_id = path_id(gateway, &caller, kind, id_of(&named)).await?;
    let request = codec::mute_request(&context.read(body).await?, gateway.now())?;
    let muted = each(gateway, &caller, group_id, &request.usernames, Deed::Mute(request.mute)).await?;
    if let Some((user, Some(error))) = muted.first()
        && muted.iter().all(|(_, error)| error.is_some())
    {
        return Err(codec::member_refusal(error, group_id, user));
    }
    let (call, which) = (context.call(&identity.app), (kind, group_id));
    Ok(codec::mutes_changed(&call, context.timing(gateway), which, Some(request.mute), &muted))
}

async fn end_mutes(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    path: OfGroup,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let (id, written) = of_path(path)?;
    let group_id = path_id(gateway, &caller, kind, &id).await?;
    let names = codec::unmuted_usernames(&written)?;
    let unmuted = each(gateway, &caller, group_id, &names, Deed::Mute(Mute::No)).await?;
    if let [(user, Some(error))] = &unmuted[..] {
        return Err(codec::member_refusal(error, group_id, user));
    }
    let (call, which) = (context.call(&identity.app), (kind, group_id));
    Ok(codec::mutes_changed(&call, context.timing(gateway), which, None, &unmuted))
}

async fn list_muted(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let group_id = path_id(gateway, &caller, kind, id_of(&named)).await?;
    let page = PageQuery::read(&context.query, MEMBERS)?;
    let reply = listed(gateway, &caller, group_id, &page, pb::MemberFilter::Muted).await?;
    let shown = |member: &pb::Member| (member_name(member), mute_or_none(member.muted_until));
    let muted: Vec<_> = reply.members.iter().map(shown).collect();
    let next = page_start(&reply.next_page_token)?;
    Ok(codec::muted(&context.call(&identity.app), context.timing(gateway), &page, &muted, next))
}

async fn tell_muted(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    path: OfGroup,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let (id, written) = of_path(path)?;
    let group_id = path_id(gateway, &caller, kind, &id).await?;
    let (name, user) = path_member(gateway, &caller, &written).await?;
    identity.check_may_name(&name)?;
    let membership = membership(gateway, &caller, user, group_id).await?;
    let muted = membership.is_some_and(|membership| membership.muted != Mute::No);
    Ok(codec::is_joined(&context.call(&identity.app), context.timing(gateway), muted))
}

async fn mute_all(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
) -> Result<Vec<u8>, Refusal> {
    set_mute_all(gateway, context, (kind, named), Mute::Forever).await
}

async fn unmute_all(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
) -> Result<Vec<u8>, Refusal> {
    set_mute_all(gateway, context, (kind, named), Mute::No).await
}

async fn set_mute_all(
    gateway: &Gateway,
    context: &RequestContext,
    (kind, named): (GroupKind, Named),
    mute: Mute,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let group_id = path_id(gateway, &caller, kind, id_of(&named)).await?;
    let settings = pb::GroupSettings { mute_all_until: Some(mute_end(mute)), ..Default::default() };
    let request = pb::UpdateGroupRequest { group_id, settings: Some(settings), ..Default::default() };
    gateway.clients().group.clone().update_group(context::request(&caller, request)).await.map_err(refused)?;
    Ok(codec::mute_all_set(&context.call(&identity.app), context.timing(gateway), mute != Mute::No))
}
