//! `POST /user/register/v2` and `/user/register/batch` (lanying.md 10).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::lanying::{self as codec, Refusal};
use tidings_domain::{Actor, Caller, Error, NameRule, UserId};
use tidings_proto::pb::{self, registered::Result as Outcome};
use tidings_runtime::context;

use super::context::RequestContext;
use crate::{
    Gateway,
    identity::Who,
    reply::{refused, registration_error},
};

pub(crate) async fn register(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, add(&gateway, &context, body).await).await
}

async fn add(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (caller, is_open) = registrar(gateway, context).await?;
    let account = codec::register_request(&context.read(body).await?)?;
    let user = pb::NewUser { username: account.username, password: account.password, nickname: String::new() };
    let request = pb::RegisterUsersRequest { users: vec![user], name_rule: pb::NameRule::Lanying.into(), is_open };
    let request = context::request(&caller, request);
    let reply = gateway.clients().directory.clone().register_users(request).await.map_err(refused)?.into_inner();
    match reply.results.into_iter().next().and_then(|registered| registered.result) {
        Some(Outcome::User(user)) => Ok(codec::registered(UserId(user.id))),
        Some(Outcome::Failure(failure)) => Err(registration_error(failure).into()),
        None => Err(Error::internal("the directory registered nobody").into()),
    }
}

pub(crate) async fn batch(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, add_all(&gateway, &context, body).await).await
}

/// Each user is registered or refused independently.
async fn add_all(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (caller, is_open) = registrar(gateway, context).await?;
    let accounts = codec::batch_request(&context.read(body).await?)?;
    let users = accounts.iter().map(|account| pb::NewUser {
        username: account.username.clone(),
        password: account.password.clone(),
        nickname: String::new(),
    });
    let request = pb::RegisterUsersRequest { users: users.collect(), name_rule: pb::NameRule::Lanying.into(), is_open };
    let request = context::request(&caller, request);
    let reply = gateway.clients().directory.clone().register_users(request).await.map_err(refused)?.into_inner();
    let outcomes: Vec<_> = reply.results.into_iter().map(outcome).collect();
    let shown = accounts.iter().zip(&outcomes).map(|(account, outcome)| codec::BatchRegistered {
        username: &account.username,
        user_id: outcome.as_ref().ok().copied(),
        success: outcome.is_ok(),
        reason: outcome.as_ref().err().map(String::as_str),
    });
    Ok(codec::data(shown.collect::<Vec<_>>()))
}

fn outcome(registered: pb::Registered) -> Result<i64, String> {
    match registered.result {
        Some(Outcome::User(user)) => Ok(user.id),
        Some(Outcome::Failure(failure)) => Err(registration_error(failure).to_string()),
        None => Err("internal".to_owned()),
    }
}

/// Callers without an admin token can register only if the app allows open registration; the directory checks that, so
/// it is passed on with the caller.
async fn registrar(gateway: &Gateway, context: &RequestContext) -> Result<(Caller, bool), Error> {
    let identity = context.identity(gateway).await?;
    let is_open = !matches!(identity.who, Who::App);
    if is_open {
        identity.app.policy.check_open_registration(NameRule::Lanying)?;
    }
    Ok((context.caller_as(&identity.app, Actor::App), is_open))
}
