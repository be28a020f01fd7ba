//! Invitations and applications: `/{org}/{app}/chatgroups/{id}/invite` and its neighbours, which the vendor's clients
//! call with user tokens (agora.md 10.3, 12).

use std::collections::HashMap;

use axum::{
    body::Body,
    extract::State,
    routing::{MethodRouter, post},
};
use tidings_dialects::agora::{self as codec, JoinAction, MemberDeed, Refusal};
use tidings_domain::{Error, GroupKind, Reason, Username};
use tidings_proto::pb;
use tidings_runtime::context;

use super::{
    context::RequestContext,
    group::{handler, id_of, known, path_id},
    people::Named,
};
use crate::{Gateway, reply::refused};

const KIND: GroupKind = GroupKind::Group;

/// `/chatgroups/{id}/invite`
pub(crate) fn invite() -> MethodRouter<Gateway> {
    post(handler!(KIND, ask, named, body))
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
async fn ask(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let group = path_id(gateway, &caller, kind, id_of(&named)).await?;
    let names = codec::usernames(&context.read(body).await?, MemberDeed::Add)?;
    let names = names.iter().map(|name| Username::parse(name)).collect::<Result<Vec<_>, _>>()?;
    let users = known(gateway, &caller, &names.iter().collect::<Vec<_>>()).await?;
    let user_ids = users.iter().map(|user| user.0).collect();
    let request = pb::InviteMembersRequest { group_id: group, user_ids, text: String::new() };
    let reply = gateway.clients().group.clone().invite_members(context::request(&caller, request)).await;
    let failed = reply.map_err(refused)?.into_inner().results.into_iter().filter(|result| !result.reason.is_empty());
    let error = |result: pb::MemberResult| match Reason::from_name(&result.reason) {
        Some(reason @ Reason::RefusedByHook) => (result.user_id, Error::new(reason, result.text)),
        Some(reason) => (result.user_id, Error::new(reason, result.user_id.to_string())),
        None => (result.user_id, Error::internal(result.text)),
    };
    let mut failed: HashMap<i64, Error> = failed.map(error).collect();
    if let ([name], [user]) = (&names[..], &users[..])
        && let Some(error) = failed.get(&user.0)
    {
        return Err(codec::invite_refusal(error, group, name.folded()));
    }
    let results: Vec<_> =
        names.iter().zip(&users).map(|(name, user)| (name.folded().to_owned(), failed.remove(&user.0))).collect();
    Ok(codec::invited(&context.call(&identity.app), context.timing(gateway), group, &results))
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
    let users = known(gateway, &caller, &[&name]).await?;
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
    let users = known(gateway, &caller, &[&name]).await?;
    let user_id = users.first().map_or(0, |user| user.0);
    let request = pb::DecideApplicationRequest { group_id: group, user_id, accept };
    gateway.clients().group.clone().decide_application(context::request(&caller, request)).await.map_err(refused)?;
    let action = JoinAction::ApplyVerify;
    Ok(codec::join_step(&context.call(&identity.app), context.timing(gateway), action, group, name.folded()))
}
