//! A user's list of conversations: unread (lanying.md 5.7), deletion (5.3) and pins (10).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::lanying::{self as codec, Params, Refusal};
use tidings_domain::{ConversationId, Error, Reason};
use tidings_proto::{pb, required};
use tidings_runtime::context;

use super::asked::{Asked, conversation};
use crate::{Gateway, reply::refused};

/// `GET /message/unread` has no pages, so it lists as many as the service gives at once.
const LIMIT: i32 = 10_000;

pub(crate) async fn unread(State(gateway): State<Gateway>, asked: Asked) -> Response {
    super::answer(list(&gateway, &asked).await)
}

async fn list(gateway: &Gateway, asked: &Asked) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = asked.caller(gateway).await?;
    let request = context::request(&caller, pb::ListConversationsRequest { limit: LIMIT, ..Default::default() });
    let reply = gateway.clients().conversation.clone().list(request).await.map_err(refused)?.into_inner();
    let listed = reply.conversations.into_iter().map(counted).collect::<Result<Vec<_>, _>>()?;
    Ok(codec::unread(caller.actor.user(), listed, identity.app.policy.lanying_shape))
}

fn counted(listed: pb::ListedConversation) -> Result<(ConversationId, i64), Error> {
    Ok((required("conversation", listed.conversation)?.try_into()?, listed.unread))
}

pub(crate) async fn delete(State(gateway): State<Gateway>, asked: Asked, body: Body) -> Response {
    super::answer(hide(&gateway, &asked, body).await)
}

async fn hide(gateway: &Gateway, asked: &Asked, body: Body) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = asked.caller(gateway).await?;
    let opposite = codec::conversation_of(&asked.params(body).await?)?;
    let conversation = match conversation(gateway, &caller, opposite).await {
        Ok(conversation) => Some(conversation.into()),
        // What is not there is deleted (lanying.md 5.3).
        Err(error) if error.reason() == Reason::GroupNotFound => return Ok(codec::done()),
        Err(error) => return Err(error.into()),
    };
    let request = context::request(&caller, pb::DeleteConversationRequest { conversation, ..Default::default() });
    gateway.clients().conversation.clone().delete(request).await.map_err(refused)?;
    Ok(codec::done())
}

pub(crate) async fn pin(State(gateway): State<Gateway>, asked: Asked, body: Body) -> Response {
    super::answer(set_pinned(&gateway, &asked, body, true).await)
}

pub(crate) async fn unpin(State(gateway): State<Gateway>, asked: Asked, body: Body) -> Response {
    super::answer(set_pinned(&gateway, &asked, body, false).await)
}

async fn set_pinned(gateway: &Gateway, asked: &Asked, body: Body, pinned: bool) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = asked.caller(gateway).await?;
    let params: Params = asked.params(body).await?;
    let opposite = codec::conversation_of(&params)?;
    let conversation = Some(conversation(gateway, &caller, opposite).await?.into());
    let request = context::request(&caller, pb::PinRequest { user_id: None, conversation, pinned });
    gateway.clients().conversation.clone().pin(request).await.map_err(refused)?;
    Ok(codec::done())
}

pub(crate) async fn pinned(State(gateway): State<Gateway>, asked: Asked) -> Response {
    super::answer(list_pinned(&gateway, &asked).await)
}

async fn list_pinned(gateway: &Gateway, asked: &Asked) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = asked.caller(gateway).await?;
    let request = context::request(&caller, pb::ListPinnedRequest { user_id: None });
    let reply = gateway.clients().conversation.clone().list_pinned(request).await.map_err(refused)?.into_inner();
    let pinned = reply.conversations.into_iter().map(TryInto::try_into).collect::<Result<Vec<_>, _>>()?;
    Ok(codec::pinned(caller.actor.user(), pinned))
}
