//! `POST /{org}/{app}/messages/.../broadcast` (agora.md 2.7).

use axum::{
    body::Body,
    extract::State,
    routing::{MethodRouter, post},
};
use tidings_dialects::agora::{self as codec, Everybody, Refusal, Timing};
use tidings_proto::{delivery_to_wire, moment_or_zero, pb};
use tidings_runtime::context;

use super::context::RequestContext;
use crate::{Gateway, limits::of_broadcast, reply::refused, request::idempotency_key};

/// A route for all broadcasts.
pub(crate) fn to(everybody: Everybody) -> MethodRouter<Gateway> {
    post(move |State(gateway): State<Gateway>, context: RequestContext, body: Body| async move {
        let outcome = start(&gateway, &context, body, everybody).await;
        context.answer(&gateway, outcome).await
    })
}

async fn start(
    gateway: &Gateway,
    context: &RequestContext,
    body: Body,
    everybody: Everybody,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let params = codec::broadcast_request(&context.read(body).await?, &identity.app.policy, everybody)?;
    let scope = match everybody {
        Everybody::Users => pb::BroadcastScope::Users,
        Everybody::Online => pb::BroadcastScope::Online,
        Everybody::Rooms => pb::BroadcastScope::Rooms,
    };
    context.take(gateway, &identity.app, &of_broadcast(scope)).await?;
    let request = pb::StartBroadcastRequest {
        scope: scope.into(),
        sender: params.sender.map(Into::into),
        content: Some(params.content.into()),
        idempotency_key: idempotency_key(&context.headers)?.unwrap_or_default(),
        call: everybody.call().to_owned(),
        delivery: delivery_to_wire(params.delivery),
        accept_unknown_names: true,
    };
    let reply = gateway.clients().message.clone().start_broadcast(context::request(&caller, request)).await;
    let reply = reply.map_err(refused)?.into_inner();
    let timing = Timing::recorded(moment_or_zero(reply.accepted_at), moment_or_zero(reply.committed_at));
    Ok(codec::broadcast_started(&context.call(&identity.app), timing, reply.broadcast_id))
}
