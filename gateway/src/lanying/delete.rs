//! `DELETE /message/conversation` (lanying.md 5.3).

use axum::{extract::State, response::Response};
use tidings_dialect::lanying::{self as codec, Refusal};
use tidings_domain::ConversationId;
use tidings_proto::pb;
use tidings_runtime::context;

use super::asked::Asked;
use crate::{Gateway, reply::refused};

pub(crate) async fn delete(State(gateway): State<Gateway>, asked: Asked) -> Response {
    super::answer(hide(&gateway, &asked).await)
}

async fn hide(gateway: &Gateway, asked: &Asked) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = asked.caller(gateway).await?;
    let opposite = codec::conversation_query(&asked.query)?;
    let conversation = Some(ConversationId::direct(caller.actor.user(), opposite).into());
    let request = context::request(&caller, pb::DeleteConversationRequest { user_id: None, conversation });
    gateway.clients().conversation.clone().delete(request).await.map_err(refused)?;
    Ok(codec::done())
}
