//! A user's list of conversations: unread (lanying.md 5.7), deletion (5.3) and pins (10).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::lanying::{self as codec, Params, Refusal};
use tidings_domain::{ConversationId, Error, Rate, Reason};
use tidings_proto::{pb, required};
use tidings_runtime::context;

use super::context::{RequestContext, conversation};
use crate::{Gateway, limits::Cost, reply::refused};

/// `GET /message/unread` has no pages, so it lists as many as the service returns at once.
const LIMIT: i32 = 10_000;

pub(crate) async fn unread(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, list(&gateway, &context).await).await
}

async fn list(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.caller(gateway).await?;
    let request = context::request(&caller, pb::ListConversationsRequest { page_size: LIMIT, ..Default::default() });
    let reply = gateway.clients().conversation.clone().list_conversations(request).await.map_err(refused)?.into_inner();
    let listed = reply.conversations.into_iter().map(counted).collect::<Result<Vec<_>, _>>()?;
    Ok(codec::unread(caller.actor.user(), listed, identity.app.policy.lanying_shape))
}

fn counted(listed: pb::ListedConversation) -> Result<(ConversationId, i64), Error> {
    Ok((required("conversation", listed.conversation)?.try_into()?, listed.unread))
}

pub(crate) async fn delete(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, hide(&gateway, &context, body).await).await
}

async fn hide(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.caller(gateway).await?;
    let opposite = codec::conversation_of(&context.params(body).await?)?;
    let cost = Cost { rate: Rate::DeleteConversation, subject: caller.actor.user().to_string(), amount: 1 };
    context.take(gateway, &identity.app, &[cost]).await?;
    let conversation = match conversation(gateway, &caller, opposite).await {
        Ok(conversation) => Some(conversation.into()),
        // Deleting a missing conversation succeeds (lanying.md 5.3).
        Err(error) if error.reason() == Reason::GroupNotFound => return Ok(codec::done()),
        Err(error) => return Err(error.into()),
    };
    let request = context::request(&caller, pb::DeleteConversationRequest { conversation, ..Default::default() });
    gateway.clients().conversation.clone().delete_conversation(request).await.map_err(refused)?;
    Ok(codec::done())
}

pub(crate) async fn pin(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, set_pinned(&gateway, &context, body, true).await).await
}

pub(crate) async fn unpin(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, set_pinned(&gateway, &context, body, false).await).await
}

async fn set_pinned(gateway: &Gateway, context: &RequestContext, body: Body, pinned: bool) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let params: Params = context.params(body).await?;
    let opposite = codec::conversation_of(&params)?;
    let conversation = Some(conversation(gateway, &caller, opposite).await?.into());
    let request = context::request(&caller, pb::PinRequest { user_id: None, conversation, pinned });
    gateway.clients().conversation.clone().pin(request).await.map_err(refused)?;
    Ok(codec::done())
}

pub(crate) async fn pinned(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, list_pinned(&gateway, &context).await).await
}

async fn list_pinned(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let request = context::request(&caller, pb::ListPinnedRequest { user_id: None });
    let reply = gateway.clients().conversation.clone().list_pinned(request).await.map_err(refused)?.into_inner();
    let pinned = reply.conversations.into_iter().map(TryInto::try_into).collect::<Result<Vec<_>, _>>()?;
    Ok(codec::pinned(caller.actor.user(), pinned))
}
