//! `GET /message/unread` (lanying.md 5.7).

use axum::{extract::State, response::Response};
use tidings_dialect::lanying::{self as codec, Refusal};
use tidings_domain::{ConversationId, Error};
use tidings_proto::{pb, required};
use tidings_runtime::context;

use super::asked::Asked;
use crate::{Gateway, reply::refused};

/// The call has no pages, so it lists as many as the service gives at once.
const LIMIT: i32 = 10_000;

pub(crate) async fn unread(State(gateway): State<Gateway>, asked: Asked) -> Response {
    super::answer(list(&gateway, &asked).await)
}

async fn list(gateway: &Gateway, asked: &Asked) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = asked.caller(gateway).await?;
    let request = context::request(&caller, pb::ListConversationsRequest { user_id: None, limit: LIMIT });
    let reply = gateway.clients().conversation.clone().list(request).await.map_err(refused)?.into_inner();
    let listed = reply.conversations.into_iter().map(counted).collect::<Result<Vec<_>, _>>()?;
    Ok(codec::unread(caller.actor.user(), listed))
}

fn counted(listed: pb::ListedConversation) -> Result<(ConversationId, i64), Error> {
    Ok((required("conversation", listed.conversation)?.try_into()?, listed.unread))
}
