//! `GET /{org}/{app}/chatgroups/{id}/acks/{msg_id}`: who has read a message of a group (agora.md 12).

use axum::{
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use tidings_dialects::agora::{self as codec, AckPage, Peer, Refusal};
use tidings_domain::{Error, MsgId, Reason, UserId, decimal_id};
use tidings_proto::{moment_or_zero, pb};
use tidings_runtime::context;

use super::{context::RequestContext, people};
use crate::{Gateway, reply::refused};

/// The path's `{org}`, `{app}`, `{id}` and `{msg_id}`.
type OfMessage = Result<Path<(String, String, String, String)>, PathRejection>;

pub(crate) async fn of_message(State(gateway): State<Gateway>, context: RequestContext, named: OfMessage) -> Response {
    let outcome = page(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

async fn page(gateway: &Gateway, context: &RequestContext, named: OfMessage) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let query = codec::readers_query(&context.query)?;
    let (group, msg_id) = match &named {
        Ok(Path((_, _, group, msg_id))) => (group.as_str(), msg_id.as_str()),
        Err(_) => ("", ""),
    };
    let group_id = decimal_id(group).ok_or_else(|| Error::new(Reason::GroupNotFound, group))?;
    let conversation = people::group(gateway, &caller, &Peer::Group(group_id)).await?;
    let msg_id = decimal_id(msg_id).map(MsgId).ok_or_else(|| Error::new(Reason::MessageNotFound, msg_id))?;
    let request = pb::ListReadersRequest {
        conversation: Some(conversation.into()),
        msg_id: msg_id.0,
        page_size: query.limit,
        page_token: query.key,
    };
    let reply = gateway.clients().conversation.clone().list_readers(context::request(&caller, request)).await;
    let pb::ListReadersResponse { readers, total, next_page_token } = reply.map_err(refused)?.into_inner();
    let names = people::names(gateway, &caller, [], readers.iter().map(|reader| UserId(reader.user_id))).await?;
    let named = readers.iter().map(|reader| (names.of(UserId(reader.user_id)), moment_or_zero(reader.read_at)));
    let readers: Vec<_> = named.collect();
    let page = AckPage { msg_id, readers: &readers, total, next_key: &next_page_token };
    Ok(codec::acks(&context.call(&identity.app), context.timing(gateway), &page))
}
