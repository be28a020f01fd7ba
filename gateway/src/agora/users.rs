//! `/{org}/{app}/users` (agora.md 10.2).

use std::sync::Arc;

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::agora::{self as codec, Failed, NewUsers, Push, Refusal, User};
use tidings_domain::{Actor, Caller, Error, NameRule, UserRef};
use tidings_proto::{
    moment_or_zero, page_token,
    pb::{self, registered::Result as Outcome},
};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    people::{Named, own, path_user},
};
use crate::{
    Gateway,
    identity::{Identity, Who},
    reply::{refused, registration_error},
    request::query,
};

/// The default page size.
const DEFAULT_LIMIT: i32 = 10;
/// The maximum page size.
const MAX_LIMIT: i32 = 100;

pub(crate) async fn register(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    let outcome = add(&gateway, &context, body).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn get(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = find(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn delete(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = remove(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn list(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    let outcome = page(&gateway, &context, false).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn delete_page(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    let outcome = page(&gateway, &context, true).await;
    context.answer(&gateway, outcome).await
}

async fn add(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = registrar(gateway, context).await?;
    let is_open = !matches!(identity.who, Who::App);
    let NewUsers { users, single } = codec::new_users(&context.read(body).await?)?;
    let users = users.into_iter().map(|user| pb::NewUser {
        username: user.username,
        password: user.password.unwrap_or_default(),
        nickname: user.nickname.unwrap_or_default(),
    });
    let request =
        pb::RegisterUsersRequest { users: users.collect(), name_rule: pb::NameRule::Unspecified.into(), is_open };
    let request = context::request(&caller, request);
    let reply = gateway.clients().directory.clone().register_users(request).await.map_err(refused)?.into_inner();
    let (users, failed) = split(reply);
    match failed.first() {
        Some(only) if single => Err(codec::failure_refusal(only)),
        _ => {
            let users: Vec<User<'_>> = users.iter().map(shown).collect();
            Ok(codec::registered(&context.call(&identity.app), context.timing(gateway), &users, &failed))
        }
    }
}

/// Callers without an app token can register only if the app allows open registration.
async fn registrar(gateway: &Gateway, context: &RequestContext) -> Result<(Arc<Identity>, Caller), Refusal> {
    let identity = context.identity(gateway).await?;
    if !matches!(identity.who, Who::App) {
        identity.app.policy.check_open_registration(NameRule::General)?;
    }
    let caller = context.caller(&identity.app, Actor::App);
    Ok((identity, caller))
}

fn split(reply: pb::RegisterUsersResponse) -> (Vec<pb::User>, Vec<Failed>) {
    let (mut users, mut failed) = (Vec::new(), Vec::new());
    for registered in reply.results {
        match registered.result {
            Some(Outcome::User(user)) => users.push(user),
            Some(Outcome::Failure(failure)) => {
                failed.push(Failed { username: failure.username.clone(), error: registration_error(failure) });
            }
            None => {}
        }
    }
    (users, failed)
}

async fn find(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = own(gateway, context, path_user(named)).await?;
    let request = context::request(&caller, pb::GetUserRequest { user: Some(UserRef::Name(name).into()) });
    let user = gateway.clients().directory.clone().get_user(request).await.map_err(refused)?.into_inner();
    if !user.registered {
        // The directory knows the name because a message mentioned it; for clients the user does not exist.
        return Err(Error::user_not_found(user.username).into());
    }
    Ok(codec::one_user(&context.call(&identity.app), context.timing(gateway), &shown(&user), true))
}

async fn remove(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let request =
        context::request(&caller, pb::DeleteUserRequest { user: Some(UserRef::Name(path_user(named)?).into()) });
    let user = gateway.clients().directory.clone().delete_user(request).await.map_err(refused)?.into_inner();
    Ok(codec::one_user(&context.call(&identity.app), context.timing(gateway), &shown(&user), false))
}

/// A page of users in order of creation; `deleting` deletes them.
async fn page(gateway: &Gateway, context: &RequestContext, deleting: bool) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    check_no_filter(&context.query)?;
    let wanted = (given(&context.query, "limit"), given(&context.query, "cursor"));
    let limit = wanted.0.map_or(Ok(DEFAULT_LIMIT), |text| number("limit", text))?.clamp(1, MAX_LIMIT);
    let after: i64 = wanted.1.map_or(Ok(0), |text| number("cursor", text))?;
    if after < 0 {
        return Err(Error::invalid("cursor", "must not be negative").into());
    }
    let mut directory = gateway.clients().directory.clone();
    let request = context::request(&caller, pb::ListUsersRequest { page_size: limit, page_token: page_token(after) });
    let reply = directory.list_users(request).await.map_err(refused)?.into_inner();
    if deleting {
        for user in &reply.users {
            let user = pb::UserRef { user: Some(pb::user_ref::User::UserId(user.id)) };
            let request = context::request(&caller, pb::DeleteUserRequest { user: Some(user) });
            directory.delete_user(request).await.map_err(refused)?;
        }
    }
    let users: Vec<User<'_>> = reply.users.iter().map(shown).collect();
    // Cursors of this call are ids, as tokens are.
    let cursor = Some(reply.next_page_token).filter(|token| !token.is_empty());
    Ok(codec::list(&context.call(&identity.app), context.timing(gateway), &users, wanted, cursor.as_deref()))
}

/// Clients write what they leave out as a word.
fn given<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    query(text, name).filter(|value| !matches!(*value, "None" | "null" | "undefined"))
}

/// The oldest clients select users by `ql`: to ignore it in a deletion would delete others.
fn check_no_filter(text: &str) -> Result<(), Refusal> {
    match given(text, "ql") {
        None => Ok(()),
        Some(_) => Err(Refusal::illegal_argument("ql is not supported")),
    }
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::invalid(name, "must be a number"))
}

/// A user as shown in answers.
pub(super) fn shown(user: &pb::User) -> User<'_> {
    User {
        uuid: &user.uuid,
        username: &user.username,
        nickname: &user.nickname,
        created: moment_or_zero(user.created_at).0,
        modified: moment_or_zero(user.modified_at).0,
        activated: user.enabled,
        push: user.push.as_ref().map(push).unwrap_or_default(),
    }
}

fn push(push: &pb::PushSettings) -> Push<'_> {
    Push {
        display_style: push.display_style,
        no_disturbing: push.no_disturbing,
        no_disturbing_start: push.no_disturbing_start,
        no_disturbing_end: push.no_disturbing_end,
        notifier_name: push.notifier_name.as_deref(),
        device_token: push.device_token.as_deref(),
    }
}
