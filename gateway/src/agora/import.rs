//! `POST /{org}/{app}/messages/{users|chatgroups}/import` (agora.md 7).

use axum::{
    body::Body,
    extract::State,
    routing::{MethodRouter, post},
};
use tidings_dialects::agora::{self as codec, Addressing, Refusal, Timing};
use tidings_domain::Error;
use tidings_proto::{moment_or_zero, pb, required, timestamp};
use tidings_runtime::context;

use super::context::RequestContext;
use crate::{Gateway, reply::refused, request::idempotency_key};

/// A route that imports to that kind of target.
pub(crate) fn to(addressing: Addressing) -> MethodRouter<Gateway> {
    post(move |State(gateway): State<Gateway>, context: RequestContext, body: Body| async move {
        let outcome = import(&gateway, &context, body, addressing).await;
        context.answer(&gateway, outcome).await
    })
}

async fn import(
    gateway: &Gateway,
    context: &RequestContext,
    body: Body,
    addressing: Addressing,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let mut params = codec::import_request(&context.read(body).await?, &identity.app.policy, addressing)?;
    context.locate(&mut params.content);
    let request = pb::ImportRequest {
        sender: Some(params.sender.into()),
        target: Some(params.target.into()),
        content: Some(params.content.into()),
        sent_at: params.sent_at.map(timestamp),
        countable: params.countable,
        idempotency_key: idempotency_key(&context.headers)?.unwrap_or_default(),
        call: codec::import_call(addressing).to_owned(),
        accept_unknown_names: true,
        fetch_into: if params.need_download { context.uri_of("/chatfiles/") } else { String::new() },
    };
    let reply = gateway.clients().message.clone().import(context::request(&caller, request)).await;
    let refuse = |error: Error| codec::import_refusal(&error);
    let reply = reply.map_err(|status| refuse(refused(status)))?.into_inner();
    let sent = required("sent", reply.sent)?;
    let timing = Timing::recorded(moment_or_zero(reply.accepted_at), moment_or_zero(reply.committed_at));
    Ok(codec::imported(&context.call(&identity.app), timing, sent.msg_id))
}
