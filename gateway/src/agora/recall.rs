//! `POST /{org}/{app}/messages/msg_recall`, `/recall`, `/batch_recall` (agora.md 5).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::agora::{self as codec, Recall, RecallOutcome, Recalled, Refusal};
use tidings_domain::{Caller, ConversationKind, Error, Policy, Reason, UserId};
use tidings_proto::{duration, pb};
use tidings_runtime::context;

use super::{context::RequestContext, people};
use crate::{Gateway, reply::refused};

pub(crate) async fn recall(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    let outcome = one(&gateway, &context, body).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn several(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    let outcome = many(&gateway, &context, body, codec::recall_words).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn batch(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    let outcome = many(&gateway, &context, body, codec::batch_recalled).await;
    context.answer(&gateway, outcome).await
}

async fn one(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let request = codec::recall_request(&context.read(body).await?, &identity.app.policy)?;
    let recalled = take_back(gateway, &caller, &identity.app.policy, &request).await?;
    let outcome = RecallOutcome { msg_id: request.written_id, result: Ok(recalled) };
    Ok(codec::recalled(&context.call(&identity.app), context.timing(gateway), &outcome))
}

/// The format of the answer to several recalls.
type Written = fn(&codec::Call<'_>, codec::Timing, &[RecallOutcome]) -> Vec<u8>;

/// Each message independently of the others.
async fn many(gateway: &Gateway, context: &RequestContext, body: Body, written: Written) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let items = codec::recalls_request(&context.read(body).await?, &identity.app.policy)?;
    let mut outcomes = Vec::with_capacity(items.len());
    for item in items {
        let result = match item.recall {
            Ok(wanted) => take_back(gateway, &caller, &identity.app.policy, &wanted).await,
            Err(refusal) => Err(refusal),
        };
        outcomes.push(RecallOutcome { msg_id: item.msg_id, result });
    }
    Ok(written(&context.call(&identity.app), context.timing(gateway), &outcomes))
}

async fn take_back(gateway: &Gateway, caller: &Caller, policy: &Policy, params: &Recall) -> Result<Recalled, Refusal> {
    let refuse = |error: Error| codec::recall_refusal(&error, policy);
    let not_found = || refuse(Error::new(Reason::MessageNotFound, params.written_id.clone()));
    let msg_id = params.msg_id.ok_or_else(not_found)?;
    let (open_window, past_storage) = params.forced(policy);
    let window = (!open_window).then(|| duration(policy.agora_recall_window));
    let request = pb::RecallRequest {
        msg_id: msg_id.0,
        conversation: None,
        window,
        window_for_all: true,
        to: params.to.clone().map(Into::into),
        kind: wire_kind(params.kind).into(),
        actor: params.actor().map(Into::into),
        past_storage,
        keeps_commands: true,
        info: params.info.clone(),
        no_sync: !params.sync_device,
        accept_unknown_names: true,
        msg_key: String::new(),
        party_id: None,
    };
    let reply = gateway.clients().message.clone().recall(context::request(caller, request)).await;
    let reply = reply.map_err(|status| refuse(refused(status)))?.into_inner();
    if !reply.recalled {
        return Err(not_found());
    }
    let to = shown_receiver(gateway, caller, params, reply.receiver_id).await?;
    Ok(Recalled { to, from: params.shown_from(), kind: params.kind })
}

const fn wire_kind(kind: ConversationKind) -> pb::ConversationKind {
    match kind {
        ConversationKind::Direct => pb::ConversationKind::Direct,
        ConversationKind::Group => pb::ConversationKind::Group,
        ConversationKind::Room => pb::ConversationKind::Room,
    }
}

/// As named by the client, else by name or id.
async fn shown_receiver(gateway: &Gateway, caller: &Caller, request: &Recall, receiver: i64) -> Result<String, Error> {
    match (&request.written_to, request.kind) {
        (Some(to), ConversationKind::Direct) => Ok(to.to_ascii_lowercase()),
        (None, ConversationKind::Direct) => {
            let user = UserId(receiver);
            Ok(people::names(gateway, caller, [], [user]).await?.of(user))
        }
        _ => Ok(receiver.to_string()),
    }
}
