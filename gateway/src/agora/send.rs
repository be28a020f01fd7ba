//! `POST /{org}/{app}/messages/...` (agora.md 2).

use axum::{
    body::Body,
    extract::State,
    response::Response,
    routing::{MethodRouter, post},
};
use tidings_dialects::agora::{self as codec, Addressing, Refusal, Timing};
use tidings_domain::{Actor, Caller, Draft, Error, Sent, UserRef};
use tidings_proto::moment_or_zero;
use tidings_runtime::context;

use super::context::RequestContext;
use crate::{
    Gateway,
    identity::{Identity, Who},
    limits::of_messages,
    reply::refused,
    request::{idempotency_key, query},
};

/// A route that sends to that kind of target.
pub(crate) fn to(addressing: Addressing) -> MethodRouter<Gateway> {
    post(move |State(gateway): State<Gateway>, context: RequestContext, body: Body| async move {
        let outcome = send(&gateway, &context, body, addressing).await;
        context.answer(&gateway, outcome).await
    })
}

/// `POST /messages`, with the target in the body (agora.md 2.5).
pub(crate) async fn legacy(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    let outcome = send_legacy(&gateway, &context, body).await;
    context.answer(&gateway, outcome).await
}

async fn send(
    gateway: &Gateway,
    context: &RequestContext,
    body: Body,
    addressing: Addressing,
) -> Result<Vec<u8>, Refusal> {
    let identity = context.identity(gateway).await?;
    let caller = sender(context, &identity)?;
    let body = context.read(body).await?;
    let draft = codec::draft(&body, &identity.app.policy, addressing)?;
    let (timing, sent) = append(gateway, context, (&identity, &caller), draft).await?;
    Ok(codec::sent(&context.call(&identity.app), timing, &sent))
}

async fn send_legacy(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let identity = context.identity(gateway).await?;
    let caller = sender(context, &identity)?;
    let body = context.read(body).await?;
    let (_, draft) = codec::legacy_draft(&body, &identity.app.policy)?;
    let (timing, sent) = append(gateway, context, (&identity, &caller), draft).await?;
    let call = context.call(&identity.app);
    Ok(if codec::is_true(query(&context.query, "useMsgId")) {
        codec::sent(&call, timing, &sent)
    } else {
        codec::sent_without_ids(&call, timing, &sent)
    })
}

async fn append(
    gateway: &Gateway,
    context: &RequestContext,
    (identity, caller): (&Identity, &Caller),
    mut draft: Draft,
) -> Result<(Timing, Vec<Sent>), Refusal> {
    check_from(identity, &draft)?;
    context.locate(&mut draft.content);
    draft.idempotency_key = idempotency_key(&context.headers)?;
    context.take(gateway, &identity.app, &of_messages(&draft)).await?;
    let request = context::request(caller, draft.into());
    let reply = gateway.clients().message.clone().send(request).await.map_err(refused)?.into_inner();
    let sent = reply.sent.into_iter().map(TryInto::try_into).collect::<Result<Vec<Sent>, Error>>()?;
    Ok((Timing::recorded(moment_or_zero(reply.accepted_at), moment_or_zero(reply.committed_at)), sent))
}

/// A user token sends only if the app's policy allows it (decision 18).
fn sender(context: &RequestContext, identity: &Identity) -> Result<Caller, Error> {
    match identity.who {
        Who::User { id, .. } if identity.app.policy.user_tokens_may_send => {
            Ok(context.caller(&identity.app, Actor::User(id)))
        }
        _ => {
            identity.check_app()?;
            Ok(context.caller(&identity.app, Actor::App))
        }
    }
}

/// ... and only as themselves.
pub(crate) fn check_from(identity: &Identity, draft: &Draft) -> Result<(), Error> {
    match &draft.sender {
        Some(UserRef::Name(from)) => identity.check_may_name(from),
        _ => Ok(()),
    }
}
