//! The block list and the allow list of groups and rooms: `/{org}/{app}/chatgroups/{id}/blocks/users` and `/white/users`
//! (agora.md 10.3, 10.4). One handler, since they differ only in what is done.

use axum::{
    body::Body,
    extract::State,
    routing::{MethodRouter, get, post},
};
use tidings_dialects::agora::{self as codec, MemberAction, PageQuery, Refusal};
use tidings_domain::{Error, GroupKind};
use tidings_proto::{page_start, page_token, pb};

use super::{
    context::RequestContext,
    group::member_name,
    group_call::{GroupCall, OfGroup, handler},
    member::{MEMBERS, one_changed, several_changed},
    member_change::{MemberChange, change_each},
    people::Named,
};
use crate::{Gateway, reply::refused};

/// `/chatgroups/{id}/blocks/users`
pub(crate) fn blocks(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, list_blocked, group)).post(handler!(kind, block, group, body))
}

/// `/chatgroups/{id}/blocks/users/{username}`; several are separated by commas.
pub(crate) fn blocked(kind: GroupKind) -> MethodRouter<Gateway> {
    post(handler!(kind, block_one, member)).delete(handler!(kind, unblock, member))
}

/// `/chatgroups/{id}/white/users`
pub(crate) fn white(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, list_allowed, group)).post(handler!(kind, allow, group, body))
}

/// `/chatgroups/{id}/white/users/{username}`; several are separated by commas.
pub(crate) fn allowed(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, check_allowed, member))
        .post(handler!(kind, allow_one, member))
        .delete(handler!(kind, disallow, member))
}

async fn block(call: &GroupCall<'_>, body: Body) -> Result<Vec<u8>, Refusal> {
    in_body(call, body, MemberAction::Block).await
}

async fn block_one(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    in_path(call, MemberAction::Block).await
}

async fn unblock(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    in_path(call, MemberAction::Unblock).await
}

async fn allow(call: &GroupCall<'_>, body: Body) -> Result<Vec<u8>, Refusal> {
    in_body(call, body, MemberAction::Allow).await
}

async fn allow_one(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    in_path(call, MemberAction::Allow).await
}

async fn disallow(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    in_path(call, MemberAction::Disallow).await
}

/// Users of the body. If none of them could be put on the allow list, the call is refused.
async fn in_body(call: &GroupCall<'_>, body: Body, action: MemberAction) -> Result<Vec<u8>, Refusal> {
    let names = codec::usernames(&call.context.read(body).await?, action)?;
    let outcomes = change_each(call, &names, MemberChange::Action(action)).await?;
    if let Some((user, Some(error))) = outcomes.first()
        && action == MemberAction::Allow
        && outcomes.iter().all(|(_, error)| error.is_some())
    {
        return Err(codec::member_refusal(error, call.id, user));
    }
    Ok(codec::members_changed(&call.call(), call.timing(), call.which(), action, &outcomes))
}

/// One user of the path, or several.
async fn in_path(call: &GroupCall<'_>, action: MemberAction) -> Result<Vec<u8>, Refusal> {
    if call.segment.contains(',') {
        return several_changed(call, action).await;
    }
    let (name, user) = call.member().await?;
    one_changed(call, (&name, user), action).await
}

async fn list_blocked(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    list(call, MemberAction::Block).await
}

async fn list_allowed(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    list(call, MemberAction::Allow).await
}

async fn list(call: &GroupCall<'_>, action: MemberAction) -> Result<Vec<u8>, Refusal> {
    let page = PageQuery::read(&call.context.query, MEMBERS)?;
    let reply = read(call, &page, action).await?;
    let names: Vec<String> = reply.members.iter().map(member_name).collect();
    let next = page_start(&reply.next_page_token)?;
    Ok(codec::names(&call.call(), call.timing(), &page, &names, next))
}

async fn read(call: &GroupCall<'_>, page: &PageQuery, action: MemberAction) -> Result<pb::ListMembersResponse, Error> {
    let (group_id, page_size, page_token) = (call.id, page.size, page_token(page.after));
    let reply = if action == MemberAction::Block {
        let request = pb::ListBlockedRequest { group_id, page_size, page_token };
        call.client().list_blocked(call.request(request)).await
    } else {
        let request = pb::ListAllowedRequest { group_id, page_size, page_token, user_id: None };
        call.client().list_allowed(call.request(request)).await
    };
    Ok(reply.map_err(refused)?.into_inner())
}

async fn check_allowed(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    let (_, user) = call.member().await?;
    let request = pb::ListAllowedRequest { group_id: call.id, user_id: Some(user.0), ..Default::default() };
    let reply = call.client().list_allowed(call.request(request)).await;
    let white = !reply.map_err(refused)?.into_inner().members.is_empty();
    Ok(codec::is_allowed(&call.call(), call.timing(), white))
}
