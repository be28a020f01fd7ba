//! Block lists of users (lanying.md 10).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::lanying::{self as codec, Params, Refusal};
use tidings_proto::{internal, page_start, page_token, pb};
use tidings_runtime::context;

use super::context::RequestContext;
use crate::{Gateway, reply::refused};

pub(crate) async fn block(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, set_blocked(&gateway, &context, body, true).await).await
}

pub(crate) async fn unblock(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, set_blocked(&gateway, &context, body, false).await).await
}

async fn set_blocked(
    gateway: &Gateway,
    context: &RequestContext,
    body: Body,
    blocked: bool,
) -> Result<Vec<u8>, Refusal> {
    let caller = context.user(gateway).await?;
    let blocked_id = context.params(body).await?.user()?;
    let request = context::request(&caller, pb::BlockUserRequest { user_id: None, blocked_id, blocked });
    gateway.clients().directory.clone().block_user(request).await.map_err(refused)?;
    Ok(codec::done())
}

pub(crate) async fn blocked_list(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, list(&gateway, &context).await).await
}

async fn list(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let caller = context.user(gateway).await?;
    let params = Params::read(&context.query, b"")?;
    let part = params.part()?;
    let request =
        pb::ListBlockedUsersRequest { user_id: None, page_size: part.limit, page_token: page_token(part.after) };
    let request = context::request(&caller, request);
    let reply = gateway.clients().directory.clone().list_blocked_users(request).await.map_err(refused)?.into_inner();
    Ok(codec::page(reply.user_ids, page_start(&reply.next_page_token)?, None))
}

pub(crate) async fn may_message(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, ask(&gateway, &context).await).await
}

/// Whether `user_id` may write to `roster_id`. Users may ask only for themselves.
async fn ask(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let params = Params::read(&context.query, b"")?;
    let (user, roster) = params.roster()?;
    let request = context::request(&caller, internal::BlockedByRequest { user_id: Some(user), by_ids: vec![roster] });
    let reply = gateway.clients().directory_internal.clone().blocked_by(request).await.map_err(refused)?.into_inner();
    Ok(codec::flag(reply.by_ids.is_empty()))
}
