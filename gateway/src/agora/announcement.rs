//! Announcements of groups and rooms: `/{org}/{app}/chatgroups/{id}/announcement` (agora.md 10.3, 10.4).

use axum::{
    body::Body,
    extract::State,
    routing::{MethodRouter, get},
};
use tidings_dialects::agora::{self as codec, Refusal};
use tidings_domain::{GroupKind, Reason};
use tidings_proto::pb;
use tidings_runtime::context;

use super::{
    context::RequestContext,
    group::{handler, id_of, path_id},
    people::Named,
};
use crate::{Gateway, reply::refused};

/// `/chatgroups/{id}/announcement`
pub(crate) fn announcement(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, read, named)).post(handler!(kind, set, named, body))
}

async fn read(gateway: &Gateway, context: &RequestContext, kind: GroupKind, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let group_id = path_id(gateway, &caller, kind, id_of(&named)).await?;
    let request = pb::GetAnnouncementRequest { group_id, id: 0 };
    let reply = gateway.clients().group.clone().get_announcement(context::request(&caller, request)).await;
    let newest = reply.map_err(refused)?.into_inner();
    Ok(codec::announced(&context.call(&identity.app), context.timing(gateway), &newest.text))
}

async fn set(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let group_id = path_id(gateway, &caller, kind, id_of(&named)).await?;
    let text = codec::announcement(&context.read(body).await?)?;
    let request = pb::SetAnnouncementRequest { group_id, title: String::new(), text };
    let reply = gateway.clients().group.clone().set_announcement(context::request(&caller, request)).await;
    reply.map_err(refused).map_err(|error| match error.reason() {
        Reason::InvalidArgument => codec::announcement_too_long(),
        _ => Refusal::from(error),
    })?;
    Ok(codec::announcement_set(&context.call(&identity.app), context.timing(gateway), group_id))
}
