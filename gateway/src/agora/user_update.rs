//! Changes of users: `PUT /users/{username}`, `/password`, `POST .../deactivate` and `/activate` (agora.md 10.2).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::agora::{self as codec, Refusal};
use tidings_domain::{Actor, Caller, Error, UserRef, Username};
use tidings_proto::pb;
use tidings_runtime::context;

use super::{
    context::RequestContext,
    people::{Named, own, path_user},
    users::shown,
};
use crate::{Gateway, reply::refused};

pub(crate) async fn update(
    State(gateway): State<Gateway>,
    context: RequestContext,
    named: Named,
    body: Body,
) -> Response {
    let outcome = change(&gateway, &context, named, body).await;
    context.answer(&gateway, outcome).await
}

async fn change(gateway: &Gateway, context: &RequestContext, named: Named, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = own(gateway, context, path_user(named)).await?;
    let update = codec::user_update(&context.read(body).await?)?;
    let push = pb::PushSettings {
        display_style: update.display_style,
        no_disturbing: update.no_disturbing,
        no_disturbing_start: update.no_disturbing_start,
        no_disturbing_end: update.no_disturbing_end,
        notifier_name: update.notifier_name,
        device_token: update.device_token,
    };
    let request = pb::UpdateUserRequest { nickname: update.nickname, push: Some(push), ..of(name) };
    let user = updated(gateway, &caller, request).await.map_err(|error| codec::update_refusal(&error))?;
    Ok(codec::one_user(&context.call(&identity.app), context.timing(gateway), &shown(&user), false))
}

pub(crate) async fn password(
    State(gateway): State<Gateway>,
    context: RequestContext,
    named: Named,
    body: Body,
) -> Response {
    let outcome = set_password(&gateway, &context, named, body).await;
    context.answer(&gateway, outcome).await
}

/// The app sets passwords; users change their own if they know the old one. Either ends the user's tokens.
async fn set_password(
    gateway: &Gateway,
    context: &RequestContext,
    named: Named,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (_, caller, name) = own(gateway, context, path_user(named)).await?;
    let params = codec::new_password(&context.read(body).await?)?;
    let old_password = params.old.filter(|_| caller.actor != Actor::App);
    let request = pb::UpdateUserRequest { password: Some(params.new), old_password, ..of(name) };
    updated(gateway, &caller, request).await.map_err(|error| codec::update_refusal(&error))?;
    gateway.identities().forget(&context.app_ref(), context.token());
    Ok(codec::password_set(context.timing(gateway)))
}

pub(crate) async fn deactivate(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = set_enabled(&gateway, &context, named, false).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn activate(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = set_enabled(&gateway, &context, named, true).await;
    context.answer(&gateway, outcome).await
}

/// Clients send no body, or any.
async fn set_enabled(
    gateway: &Gateway,
    context: &RequestContext,
    named: Named,
    enabled: bool,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let request = pb::UpdateUserRequest { enabled: Some(enabled), ..of(path_user(named)?) };
    let user = updated(gateway, &caller, request).await?;
    let action = if enabled { "activate user" } else { "Deactivate user" };
    let call = codec::Call { action, ..context.call(&identity.app) };
    Ok(codec::one_user(&call, context.timing(gateway), &shown(&user), false))
}

fn of(name: Username) -> pb::UpdateUserRequest {
    pb::UpdateUserRequest { user: Some(UserRef::Name(name).into()), ..Default::default() }
}

async fn updated(gateway: &Gateway, caller: &Caller, request: pb::UpdateUserRequest) -> Result<pb::User, Error> {
    let request = context::request(caller, request);
    Ok(gateway.clients().directory.clone().update_user(request).await.map_err(refused)?.into_inner())
}
