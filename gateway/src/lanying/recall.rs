//! `POST|PUT /message/recall` (lanying.md 5.5, decision 27).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::lanying::{self as codec, Refusal};
use tidings_domain::{Actor, Caller, ConversationId, Error, Message, MsgId, Policy, Reason, UserId};
use tidings_proto::pb;
use tidings_runtime::context;

use super::context::{RequestContext, conversation};
use crate::{Gateway, reply::refused};

pub(crate) async fn recall(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    super::answer(read_and_take_back(&gateway, &context, body).await)
}

async fn read_and_take_back(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.caller(gateway).await?;
    let (opposite, msg_id) = codec::recall_request(&context.params(body).await?)?;
    let conversation = conversation(gateway, &caller, opposite).await?;
    take_back(gateway, &caller, conversation, msg_id, &identity.app.policy).await?;
    Ok(codec::done())
}

/// Recalls a message; no error when it was recalled before.
pub(super) async fn take_back(
    gateway: &Gateway,
    caller: &Caller,
    conversation: ConversationId,
    msg_id: MsgId,
    policy: &Policy,
) -> Result<(), Error> {
    let by_app = caller.actor == Actor::App && matches!(conversation, ConversationId::Direct(..));
    if by_app {
        check_half(gateway, caller, conversation, msg_id).await?;
    }
    let request = pb::RecallRequest {
        msg_id: msg_id.0,
        conversation: (!by_app).then(|| conversation.into()),
        window_ms: i64::try_from(policy.lanying_recall_window.as_millis()).unwrap_or(i64::MAX),
        ..Default::default()
    };
    gateway.clients().message.clone().recall(context::request(caller, request)).await.map_err(refused)?;
    Ok(())
}

/// The app itself names a direct conversation by one of its users, who must be a party. A message that is not found may
/// have been recalled before, which the recall itself tells.
async fn check_half(
    gateway: &Gateway,
    caller: &Caller,
    conversation: ConversationId,
    msg_id: MsgId,
) -> Result<(), Error> {
    let request = context::request(caller, pb::FindRequest { msg_id: msg_id.0 });
    let message: Message = match gateway.clients().message.clone().find(request).await.map_err(refused) {
        Ok(found) => found.into_inner().try_into()?,
        Err(error) if error.reason() == Reason::MessageNotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let named = conversation.peer_of(UserId::ADMIN).unwrap_or(UserId::ADMIN);
    match message.conversation {
        ConversationId::Direct(..) if message.conversation.peer_of(named).is_some() => Ok(()),
        _ => Err(Error::new(Reason::MessageNotFound, msg_id.to_string())),
    }
}
