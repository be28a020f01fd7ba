//! `POST|PUT /message/recall` (lanying.md 5.5, decision 27).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::lanying::{self as codec, Refusal};
use tidings_domain::{Actor, Caller, ConversationId, Error, MsgId, Policy, UserId};
use tidings_proto::{duration, pb};
use tidings_runtime::context;

use super::context::{RequestContext, conversation};
use crate::{Gateway, reply::refused};

pub(crate) async fn recall(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, read_and_take_back(&gateway, &context, body).await).await
}

async fn read_and_take_back(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.caller(gateway).await?;
    let (opposite, msg_id) = codec::recall_request(&context.params(body).await?)?;
    let conversation = conversation(gateway, &caller, opposite).await?;
    take_back(gateway, &caller, conversation, msg_id, &identity.app.policy).await?;
    Ok(codec::done())
}

/// Recalls a message; no error when it had been recalled before.
pub(super) async fn take_back(
    gateway: &Gateway,
    caller: &Caller,
    conversation: ConversationId,
    msg_id: MsgId,
    policy: &Policy,
) -> Result<(), Error> {
    // The app itself names a direct conversation by one of its users.
    let party = conversation.peer_of(UserId::ADMIN).filter(|_| caller.actor == Actor::App);
    let request = pb::RecallRequest {
        msg_id: msg_id.0,
        conversation: party.is_none().then(|| conversation.into()),
        party_id: party.map(|user| user.0),
        window: Some(duration(policy.lanying_recall_window)),
        ..Default::default()
    };
    gateway.clients().message.clone().recall(context::request(caller, request)).await.map_err(refused)?;
    Ok(())
}
