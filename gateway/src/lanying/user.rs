//! Users: profile, list, presence, state (lanying.md 10).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::lanying::{self as codec, Params, Refusal};
use tidings_domain::{Actor, Caller, Error, UserId, UserRef};
use tidings_proto::{moment_or_zero, pb};
use tidings_runtime::context;

use super::context::{RequestContext, acting_user};
use crate::{Gateway, identity::Identity, reply::refused};

/// Maximum number of users read at once.
const MAX_PAGE: i64 = 1000;

pub(crate) async fn profile(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, show_profile(&gateway, &context).await).await
}

async fn show_profile(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let request = context::request(&caller, pb::GetProfileRequest { user: Some(myself(&caller)?) });
    let profile = gateway.clients().directory.clone().get_profile(request).await.map_err(refused)?.into_inner();
    Ok(shown_profile(&profile))
}

pub(crate) async fn set_profile(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, change_profile(&gateway, &context, body).await).await
}

async fn change_profile(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.caller(gateway).await?;
    let params = context.params(body).await?;
    let change = params.profile()?;
    let profile = pb::Profile {
        nickname: change.nick_name,
        avatar: change.avatar,
        description: change.description,
        public_info: change.public_info,
        private_info: change.private_info,
        mobile: change.mobile,
        email: change.email,
        ..Default::default()
    };
    let request = pb::SetProfileRequest { user: Some(myself(&caller)?), profile: Some(profile) };
    let request = context::request(&on_authority(&identity, &caller), request);
    let profile = gateway.clients().directory.clone().set_profile(request).await.map_err(refused)?.into_inner();
    Ok(shown_profile(&profile))
}

fn shown_profile(profile: &pb::Profile) -> Vec<u8> {
    codec::data(codec::UserProfile {
        user_id: profile.user_id,
        username: &profile.username,
        nick_name: profile.nickname(),
        avatar: profile.avatar(),
        description: profile.description(),
        public_info: profile.public_info(),
        private_info: profile.private_info(),
        mobile: profile.mobile(),
        email: profile.email(),
    })
}

pub(crate) async fn list(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, list_page(&gateway, &context).await).await
}

/// The pages are numbered, the directory's are not: the previous ones are skipped in large steps.
async fn list_page(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.admin(gateway).await?;
    let caller = Caller { actor: Actor::App, ..caller };
    let params = Params::read(&context.query, b"")?;
    let (mut skip, size) = params.numbered_page()?;
    let mut page_token = String::new();
    while skip > 0 {
        let step = users_after(gateway, &caller, page_token, skip.min(MAX_PAGE)).await?;
        skip -= MAX_PAGE;
        page_token = step.next_page_token;
        if page_token.is_empty() {
            return Ok(codec::data::<[(); 0]>([]));
        }
    }
    let users = users_after(gateway, &caller, page_token, size).await?.users;
    let listed = users.iter().map(|user| codec::ListedUser {
        user_id: user.id,
        username: &user.username,
        enabled: user.enabled,
    });
    Ok(codec::data(listed.collect::<Vec<_>>()))
}

async fn users_after(
    gateway: &Gateway,
    caller: &Caller,
    page_token: String,
    size: i64,
) -> Result<pb::ListUsersResponse, Error> {
    let request = context::request(caller, pb::ListUsersRequest { page_size: size as i32, page_token });
    Ok(gateway.clients().directory.clone().list_users(request).await.map_err(refused)?.into_inner())
}

pub(crate) async fn online_status(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, is_online(&gateway, &context).await).await
}

async fn is_online(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let sessions = sessions(gateway, context).await?;
    Ok(codec::data(codec::OnlineStatus { online: !sessions.is_empty() }))
}

pub(crate) async fn devices(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, list_devices(&gateway, &context).await).await
}

async fn list_devices(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let sessions = sessions(gateway, context).await?;
    let devices = sessions.iter().map(|session| codec::Device {
        device_sn: session.device_sn,
        platform: &session.platform,
        login_time: moment_or_zero(session.opened_at).0,
    });
    Ok(codec::data(devices.collect::<Vec<_>>()))
}

async fn sessions(gateway: &Gateway, context: &RequestContext) -> Result<Vec<pb::Session>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let request = context::request(&caller, pb::ListSessionsRequest { user: Some(myself(&caller)?) });
    let reply = gateway.clients().directory.clone().list_sessions(request).await.map_err(refused)?;
    Ok(reply.into_inner().sessions)
}

pub(crate) async fn kick(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, end_sessions(&gateway, &context, body).await).await
}

async fn end_sessions(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let device_sn = context.params(body).await?.device()?;
    let request = context::request(
        &caller,
        pb::EndSessionsRequest { user: Some(myself(&caller)?), device_sn, end_tokens: true, ..Default::default() },
    );
    gateway.clients().directory.clone().end_sessions(request).await.map_err(refused)?;
    context.forget_token(gateway);
    Ok(codec::done())
}

pub(crate) async fn disable(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, set_enabled(&gateway, &context, body, false).await).await
}

pub(crate) async fn enable(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, set_enabled(&gateway, &context, body, true).await).await
}

async fn set_enabled(
    gateway: &Gateway,
    context: &RequestContext,
    body: Body,
    enabled: bool,
) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.admin(gateway).await?;
    let user = Some(meant(&caller, &context.params(body).await?)?);
    let request = pb::UpdateUserRequest { user, enabled: Some(enabled), ..Default::default() };
    let request = context::request(&Caller { actor: Actor::App, ..caller }, request);
    gateway.clients().directory.clone().update_user(request).await.map_err(refused)?;
    Ok(codec::done())
}

pub(crate) async fn delete(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, remove(&gateway, &context, body).await).await
}

/// A user token deletes only its own user, an admin token the user it acts for or names.
async fn remove(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.caller(gateway).await?;
    let params = context.params(body).await?;
    let user = meant(&caller, &params)?;
    if identity.check_app().is_err() && user != myself(&caller)? {
        return Err(Error::not_permitted("users can only delete themselves").into());
    }
    let request = pb::DeleteUserRequest { user: Some(user) };
    let request = context::request(&on_authority(&identity, &caller), request);
    gateway.clients().directory.clone().delete_user(request).await.map_err(refused)?;
    context.forget_token(gateway);
    Ok(codec::done())
}

pub(crate) async fn change_password(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, set_password(&gateway, &context, body).await).await
}

/// A user must provide the old password, an admin token need not.
async fn set_password(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.caller(gateway).await?;
    let params = context.params(body).await?;
    let by_app = identity.check_app().is_ok();
    let old_password = if by_app { None } else { Some(params.old_password()?) };
    let request = pb::UpdateUserRequest {
        user: Some(myself(&caller)?),
        password: Some(params.new_password()?),
        old_password,
        ..Default::default()
    };
    let request = context::request(&on_authority(&identity, &caller), request);
    gateway.clients().directory.clone().update_user(request).await.map_err(refused)?;
    context.forget_token(gateway);
    Ok(codec::done())
}

/// The authority for account management: an admin's own, also for disabled users.
fn on_authority(identity: &Identity, caller: &Caller) -> Caller {
    let actor = if identity.check_app().is_ok() { Actor::App } else { caller.actor };
    Caller { actor, ..caller.clone() }
}

/// The user on whose behalf the call is made.
fn myself(caller: &Caller) -> Result<pb::UserRef, Refusal> {
    Ok(UserRef::Id(acting_user(caller)?).into())
}

/// The user an admin token addresses: the parameter `user_id`, else the header.
fn meant(caller: &Caller, params: &Params) -> Result<pb::UserRef, Refusal> {
    match params.maybe_user()? {
        Some(user) => Ok(UserRef::Id(UserId(user)).into()),
        None => myself(caller),
    }
}
