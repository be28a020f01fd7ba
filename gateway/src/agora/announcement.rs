//! Announcements of groups and rooms: `/{org}/{app}/chatgroups/{id}/announcement` (agora.md 10.3, 10.4).

use axum::{
    body::Body,
    extract::State,
    routing::{MethodRouter, get},
};
use tidings_dialects::agora::{self as codec, Refusal};
use tidings_domain::{GroupKind, Reason};
use tidings_proto::pb;

use super::{
    context::RequestContext,
    group_call::{GroupCall, handler},
    people::Named,
};
use crate::{Gateway, reply::refused};

/// `/chatgroups/{id}/announcement`
pub(crate) fn announcement(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, read, group)).post(handler!(kind, set, group, body))
}

async fn read(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    let request = call.request(pb::GetAnnouncementRequest { group_id: call.id, id: 0 });
    let newest = call.client().get_announcement(request).await.map_err(refused)?.into_inner();
    Ok(codec::announced(&call.call(), call.timing(), &newest.text))
}

async fn set(call: &GroupCall<'_>, body: Body) -> Result<Vec<u8>, Refusal> {
    let text = codec::announcement(&call.context.read(body).await?)?;
    let request = call.request(pb::SetAnnouncementRequest { group_id: call.id, title: String::new(), text });
    let reply = call.client().set_announcement(request).await;
    reply.map_err(refused).map_err(|error| match error.reason() {
        Reason::InvalidArgument => codec::announcement_too_long(),
        _ => Refusal::from(error),
    })?;
    Ok(codec::announcement_set(&call.call(), call.timing(), call.id))
}
