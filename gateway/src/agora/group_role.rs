//! Admins and mutes of groups and rooms: `/{org}/{app}/chatgroups/{id}/admin`, `/mute` and `/ban` (agora.md 10.3, 10.4).

use axum::{
    body::Body,
    extract::State,
    routing::{MethodRouter, delete, get, post},
};
use tidings_dialects::agora::{self as codec, PageQuery, Refusal};
use tidings_domain::{Error, GroupKind, Mute};
use tidings_proto::{mute_end, mute_or_none, page_start, page_token, pb};

use super::{
    context::RequestContext,
    group::member_name,
    group_call::{GroupCall, OfGroup, handler},
    member::MEMBERS,
    member_change::{MemberChange, change_each, change_members},
    people::Named,
};
use crate::{Gateway, membership::membership, reply::refused};

/// `/chatgroups/{id}/admin`
pub(crate) fn admins(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, list_admins, group)).post(handler!(kind, add_admin, group, body))
}

/// `/chatgroups/{id}/admin/{username}`
pub(crate) fn admin(kind: GroupKind) -> MethodRouter<Gateway> {
    delete(handler!(kind, remove_admin, member))
}

/// `/chatgroups/{id}/mute`
pub(crate) fn mutes(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, list_muted, group)).post(handler!(kind, mute, group, body))
}

/// `/chatgroups/{id}/mute/{username}`, or several separated by commas.
pub(crate) fn unmute(kind: GroupKind) -> MethodRouter<Gateway> {
    delete(handler!(kind, end_mutes, member))
}

/// `/sdk/chatgroups/{id}/mute/{username}`: whether a user is muted.
pub(crate) fn is_muted(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, check_muted, member))
}

/// `/chatgroups/{id}/ban`
pub(crate) fn ban(kind: GroupKind) -> MethodRouter<Gateway> {
    post(handler!(kind, mute_all, group)).delete(handler!(kind, unmute_all, group))
}

async fn listed(
    call: &GroupCall<'_>,
    page: &PageQuery,
    filter: pb::MemberFilter,
) -> Result<pb::ListMembersResponse, Error> {
    let request = call.request(pb::ListMembersRequest {
        group_id: call.id,
        page_size: page.size,
        page_token: page_token(page.after),
        filter: filter.into(),
        skip: page.skip,
    });
    Ok(call.client().list_members(request).await.map_err(refused)?.into_inner())
}

async fn list_admins(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    let page = PageQuery::read(&call.context.query, MEMBERS)?;
    let reply = listed(call, &page, pb::MemberFilter::Admins).await?;
    let names: Vec<String> = reply.members.iter().map(member_name).collect();
    let next = page_start(&reply.next_page_token)?;
    Ok(codec::names(&call.call(), call.timing(), &page, &names, next))
}

async fn add_admin(call: &GroupCall<'_>, body: Body) -> Result<Vec<u8>, Refusal> {
    let written = codec::new_admin(&call.context.read(body).await?)?;
    set_admin(call, &written, true).await
}

async fn remove_admin(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    set_admin(call, &call.segment, false).await
}

async fn set_admin(call: &GroupCall<'_>, written: &str, admin: bool) -> Result<Vec<u8>, Refusal> {
    let (name, user) = call.user(written).await?;
    match change_members(call, &[user], MemberChange::Admin(admin)).await?.get(&user) {
        Some(error) => Err(codec::role_refusal(error, call.id, name.folded())),
        None => Ok(codec::admin_changed(&call.call(), call.timing(), name.folded(), admin)),
    }
}

async fn mute(call: &GroupCall<'_>, body: Body) -> Result<Vec<u8>, Refusal> {
    let request = codec::mute_request(&call.context.read(body).await?, call.gateway.now())?;
    let muted = change_each(call, &request.usernames, MemberChange::Mute(request.mute)).await?;
    if let Some((user, Some(error))) = muted.first()
        && muted.iter().all(|(_, error)| error.is_some())
    {
        return Err(codec::member_refusal(error, call.id, user));
    }
    Ok(codec::mutes_changed(&call.call(), call.timing(), call.which(), Some(request.mute), &muted))
}

async fn end_mutes(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    let names = codec::unmuted_usernames(&call.segment)?;
    let unmuted = change_each(call, &names, MemberChange::Mute(Mute::No)).await?;
    if let [(user, Some(error))] = &unmuted[..] {
        return Err(codec::member_refusal(error, call.id, user));
    }
    Ok(codec::mutes_changed(&call.call(), call.timing(), call.which(), None, &unmuted))
}

async fn list_muted(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    let page = PageQuery::read(&call.context.query, MEMBERS)?;
    let reply = listed(call, &page, pb::MemberFilter::Muted).await?;
    let shown = |member: &pb::Member| (member_name(member), mute_or_none(member.muted_until));
    let muted: Vec<_> = reply.members.iter().map(shown).collect();
    let next = page_start(&reply.next_page_token)?;
    Ok(codec::muted(&call.call(), call.timing(), &page, &muted, next))
}

async fn check_muted(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    let (name, user) = call.member().await?;
    call.identity.check_may_name(&name)?;
    let membership = membership(call.gateway, &call.caller, user, call.id).await?;
    let muted = membership.is_some_and(|membership| membership.muted != Mute::No);
    Ok(codec::is_joined(&call.call(), call.timing(), muted))
}

async fn mute_all(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    set_mute_all(call, Mute::Forever).await
}

async fn unmute_all(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    set_mute_all(call, Mute::No).await
}

async fn set_mute_all(call: &GroupCall<'_>, mute: Mute) -> Result<Vec<u8>, Refusal> {
    let settings = pb::GroupSettings { mute_all_until: Some(mute_end(mute)), ..Default::default() };
    let request =
        call.request(pb::UpdateGroupRequest { group_id: call.id, settings: Some(settings), ..Default::default() });
    call.client().update_group(request).await.map_err(refused)?;
    Ok(codec::mute_all_set(&call.call(), call.timing(), mute != Mute::No))
}
