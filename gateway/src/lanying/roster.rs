//! Block lists of users (lanying.md 10).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::lanying::{self as codec, Params, Refusal};
use tidings_proto::pb;
use tidings_runtime::context;

use super::asked::Asked;
use crate::{Gateway, reply::refused};

pub(crate) async fn block(State(gateway): State<Gateway>, asked: Asked, body: Body) -> Response {
    super::answer(set_blocked(&gateway, &asked, body, true).await)
}

pub(crate) async fn unblock(State(gateway): State<Gateway>, asked: Asked, body: Body) -> Response {
    super::answer(set_blocked(&gateway, &asked, body, false).await)
}

async fn set_blocked(gateway: &Gateway, asked: &Asked, body: Body, blocked: bool) -> Result<Vec<u8>, Refusal> {
    let caller = asked.user(gateway).await?;
    let blocked_id = asked.params(body).await?.user()?;
    let request = context::request(&caller, pb::BlockUserRequest { user_id: None, blocked_id, blocked });
    gateway.clients().directory.clone().block_user(request).await.map_err(refused)?;
    Ok(codec::done())
}

pub(crate) async fn blocked_list(State(gateway): State<Gateway>, asked: Asked) -> Response {
    super::answer(list(&gateway, &asked).await)
}

async fn list(gateway: &Gateway, asked: &Asked) -> Result<Vec<u8>, Refusal> {
    let caller = asked.user(gateway).await?;
    let params = Params::read(&asked.query, b"")?;
    let part = params.part()?;
    let request = pb::ListBlockedUsersRequest { user_id: None, after_id: part.after, limit: part.limit };
    let request = context::request(&caller, request);
    let reply = gateway.clients().directory.clone().list_blocked_users(request).await.map_err(refused)?.into_inner();
    Ok(codec::page(reply.user_ids, reply.next_after_id, None))
}

pub(crate) async fn may_message(State(gateway): State<Gateway>, asked: Asked) -> Response {
    super::answer(ask(&gateway, &asked).await)
}

/// Whether `user_id` may write to `roster_id`. A user asks about himself.
async fn ask(gateway: &Gateway, asked: &Asked) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = asked.caller(gateway).await?;
    let params = Params::read(&asked.query, b"")?;
    let (user, roster) = params.roster()?;
    let request = context::request(&caller, pb::BlockedByRequest { user_id: Some(user), by_ids: vec![roster] });
    let reply = gateway.clients().directory.clone().blocked_by(request).await.map_err(refused)?.into_inner();
    Ok(codec::flag(reply.by_ids.is_empty()))
}
