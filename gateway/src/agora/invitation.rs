//! Invitations and applications: `/{org}/{app}/chatgroups/{id}/invite` and its neighbours, which the vendor's clients
//! call with user tokens (agora.md 10.3, 12).

use axum::{
    body::Body,
    extract::State,
    routing::{MethodRouter, post},
};
use tidings_dialects::agora::{self as codec, JoinAction, MemberAction, Refusal};
use tidings_domain::{GroupKind, Username};
use tidings_proto::pb;
use tidings_runtime::context;

use super::{
    context::RequestContext,
    group_call::{GroupCall, handler, id_of, path_id},
    member_change::failures,
    people::{self, Named},
};
use crate::{Gateway, reply::refused};

const KIND: GroupKind = GroupKind::Group;

/// `/chatgroups/{id}/invite`
pub(crate) fn invite() -> MethodRouter<Gateway> {
    post(handler!(KIND, ask, group, body))
}

/// `/chatgroups/{id}/invite_verify`
pub(crate) fn invite_verify() -> MethodRouter<Gateway> {
    post(handler!(KIND, answer, named, body))
}

/// `/chatgroups/{id}/apply_verify`
pub(crate) fn apply_verify() -> MethodRouter<Gateway> {
    post(handler!(KIND, decide, named, body))
}

/// One user who cannot be invited is the call's error; of several each has their own result.
async fn ask(call: &GroupCall<'_>, body: Body) -> Result<Vec<u8>, Refusal> {
    let names = codec::usernames(&call.context.read(body).await?, MemberAction::Add)?;
    let names = names.iter().map(|name| Username::parse(name)).collect::<Result<Vec<_>, _>>()?;
    let users = people::existing_ids(call.gateway, &call.caller, &names.iter().collect::<Vec<_>>()).await?;
    let user_ids = users.iter().map(|user| user.0).collect();
    let request = call.request(pb::InviteMembersRequest { group_id: call.id, user_ids, text: String::new() });
    let mut failed = failures(call.client().invite_members(request).await.map_err(refused)?.into_inner().results);
    if let ([name], [user]) = (&names[..], &users[..])
        && let Some(error) = failed.get(user)
    {
        return Err(codec::invite_refusal(error, call.id, name.folded()));
    }
    let results: Vec<_> =
        names.iter().zip(&users).map(|(name, user)| (name.folded().to_owned(), failed.remove(user))).collect();
    Ok(codec::invited(&call.call(), call.timing(), call.id, &results))
}

async fn answer(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let (name, accept) = codec::invite_verify_request(&context.read(body).await?)?;
    identity.check_may_name(&name)?;
    let group = path_id(gateway, &caller, kind, id_of(&named)).await?;
    let users = people::existing_ids(gateway, &caller, &[&name]).await?;
    let user_id = users.first().map(|user| user.0);
    let request = pb::DecideInvitationRequest { group_id: group, user_id, accept };
    gateway.clients().group.clone().decide_invitation(context::request(&caller, request)).await.map_err(refused)?;
    let action = JoinAction::InviteVerify;
    Ok(codec::join_step(&context.call(&identity.app), context.timing(gateway), action, group, name.folded()))
}

async fn decide(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let (name, accept) = codec::apply_verify_request(&context.read(body).await?)?;
    let group = path_id(gateway, &caller, kind, id_of(&named)).await?;
    let users = people::existing_ids(gateway, &caller, &[&name]).await?;
    let user_id = users.first().map_or(0, |user| user.0);
    let request = pb::DecideApplicationRequest { group_id: group, user_id, accept };
    gateway.clients().group.clone().decide_application(context::request(&caller, request)).await.map_err(refused)?;
    let action = JoinAction::ApplyVerify;
    Ok(codec::join_step(&context.call(&identity.app), context.timing(gateway), action, group, name.folded()))
}
