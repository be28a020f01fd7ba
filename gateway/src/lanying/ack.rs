//! `GET /message/ack` (lanying.md 5.1): a GET that changes state, as the vendor defines it.

use axum::{extract::State, response::Response};
use tidings_dialects::lanying::{self as codec, Refusal};
use tidings_proto::pb;
use tidings_runtime::context;

use super::context::{RequestContext, conversation};
use crate::{Gateway, reply::refused};

pub(crate) async fn ack(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, mark(&gateway, &context).await).await
}

async fn mark(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let query = codec::mark_read_query(&context.query)?;
    let conversation = match query.opposite {
        Some(opposite) => Some(conversation(gateway, &caller, opposite).await?.into()),
        None => None,
    };
    let msg_id = query.msg_id.map_or(0, |id| id.0);
    let request = context::request(&caller, pb::MarkReadRequest { user_id: None, conversation, msg_id });
    gateway.clients().conversation.clone().mark_read(request).await.map_err(refused)?;
    Ok(codec::done())
}
