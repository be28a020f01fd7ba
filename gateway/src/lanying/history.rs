//! `GET /message/conversation` (lanying.md 5.2).

use axum::{extract::State, response::Response};
use tidings_dialects::lanying::{self as codec, Page, Refusal};
use tidings_domain::{Error, Marks, Message, MsgId};
use tidings_proto::{pb, required};
use tidings_runtime::context;

use super::context::{RequestContext, conversation};
use crate::{Gateway, reply::refused};

pub(crate) async fn history(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, page(&gateway, &context).await).await
}

async fn page(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.caller(gateway).await?;
    let query = codec::history_query(&context.query)?;
    let reader = caller.actor.user();
    let conversation: pb::ConversationId = conversation(gateway, &caller, query.opposite).await?.into();
    let request = pb::ViewRequest { user_id: None, conversation: Some(conversation) };
    let view = gateway.clients().conversation.clone().view(context::request(&caller, request)).await;
    let view = view.map_err(refused)?.into_inner();
    let own: Marks = required("view.own", view.own)?.into();
    let request = pb::PageRequest {
        conversation: Some(conversation),
        start_msg_id: query.start.0,
        limit: query.limit,
        floor_msg_id: own.cleared.0,
    };
    let reply = gateway.clients().message.clone().page(context::request(&caller, request)).await;
    let reply = reply.map_err(refused)?.into_inner();
    let messages = reply.messages.into_iter().map(TryInto::try_into).collect::<Result<Vec<Message>, Error>>()?;
    let peer = view.peer.map(Into::into).unwrap_or_default();
    let page = Page { reader, own, peer, messages: &messages, next: MsgId(reply.next_msg_id) };
    Ok(codec::history(&page, identity.app.policy.lanying_shape))
}
