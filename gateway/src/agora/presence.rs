//! Presence of users: `/users/{username}/presence` (agora.md 10.2). The answers have no envelope.

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use tidings_dialects::agora::{self as codec, Presence, PresenceCall, Refusal};
use tidings_domain::{Caller, Error, UserRef, Username};
use tidings_proto::{moment_or_zero, pb};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    page::numbered_page,
    people::{self, Named, own, path_user},
};
use crate::{Gateway, reply::refused};

/// The path's `{org}`, `{app}`, `{username}`, `{resource}` and `{status}`.
type OfDevice = Result<Path<(String, String, String, String, String)>, PathRejection>;
/// The path's `{org}`, `{app}`, `{username}` and `{expiry}`.
type WithExpiry = Result<Path<(String, String, String, String)>, PathRejection>;

/// The maximum page size.
const MAX_PAGE: i64 = 500;

pub(crate) async fn publish(
    State(gateway): State<Gateway>,
    context: RequestContext,
    path: OfDevice,
    body: Body,
) -> Response {
    let outcome = set(&gateway, &context, path, body).await;
    context.answer(&gateway, outcome).await
}

async fn set(gateway: &Gateway, context: &RequestContext, path: OfDevice, body: Body) -> Result<Vec<u8>, Refusal> {
    let Ok(Path((_, _, name, resource, status))) = path else {
        return Err(Error::user_not_found("").into());
    };
    let name = Username::parse(&name).map_err(|_| Error::user_not_found(name));
    let (_, caller, name) = own(gateway, context, name).await?;
    let user = UserRef::Name(name).into();
    let ext = codec::presence_ext(&context.read(body).await?)?;
    let request = pb::PublishPresenceRequest { user: Some(user), resource, status, ext };
    let request = context::request(&caller, request);
    let published = gateway.clients().directory.clone().publish_presence(request).await;
    published.map_err(refused).map_err(|error| codec::presence_refusal(&error))?;
    Ok(codec::presence_done())
}

pub(crate) async fn subscribe(
    State(gateway): State<Gateway>,
    context: RequestContext,
    path: WithExpiry,
    body: Body,
) -> Response {
    let outcome = begin(&gateway, &context, path, body).await;
    context.answer(&gateway, outcome).await
}

async fn begin(gateway: &Gateway, context: &RequestContext, path: WithExpiry, body: Body) -> Result<Vec<u8>, Refusal> {
    let Ok(Path((_, _, name, expiry))) = path else {
        return Err(Error::user_not_found("").into());
    };
    let name = Username::parse(&name).map_err(|_| Error::user_not_found(name));
    let (_, caller, name) = own(gateway, context, name).await?;
    let user = UserRef::Name(name).into();
    let ttl_seconds = codec::presence_expiry(&expiry)?;
    let names = codec::presence_targets(&context.read(body).await?, PresenceCall::Subscribe)?;
    let (places, targets): (Vec<usize>, Vec<pb::UserRef>) = people::refs(&names).into_iter().unzip();
    let mut found = Vec::new();
    if !targets.is_empty() {
        let request = pb::SubscribePresenceRequest { user: Some(user), targets, ttl_seconds };
        let request = context::request(&caller, request);
        let reply = gateway.clients().directory.clone().subscribe_presence(request).await;
        let reply = reply.map_err(refused).map_err(|error| codec::presence_refusal(&error))?;
        found = reply.into_inner().presences;
    }
    Ok(codec::presences(&named(names, places, found, true)))
}

pub(crate) async fn get(State(gateway): State<Gateway>, context: RequestContext, named: Named, body: Body) -> Response {
    let outcome = show(&gateway, &context, named, body).await;
    context.answer(&gateway, outcome).await
}

async fn show(gateway: &Gateway, context: &RequestContext, path: Named, body: Body) -> Result<Vec<u8>, Refusal> {
    let (_, caller, name) = own(gateway, context, path_user(path)).await?;
    let user = pb::UserRef::from(UserRef::Name(name));
    let names = codec::presence_targets(&context.read(body).await?, PresenceCall::Get)?;
    let (places, targets): (Vec<usize>, Vec<pb::UserRef>) = people::refs(&names).into_iter().unzip();
    let mut found = Vec::new();
    if !targets.is_empty() {
        let request = context::request(&caller, pb::GetPresenceRequest { user: Some(user), targets });
        let reply = gateway.clients().directory.clone().get_presence(request).await.map_err(refused)?;
        found = reply.into_inner().presences;
    }
    Ok(codec::presences(&named(names, places, found, false)))
}

pub(crate) async fn unsubscribe(
    State(gateway): State<Gateway>,
    context: RequestContext,
    named: Named,
    body: Body,
) -> Response {
    let outcome = end(&gateway, &context, named, body).await;
    context.answer(&gateway, outcome).await
}

async fn end(gateway: &Gateway, context: &RequestContext, path: Named, body: Body) -> Result<Vec<u8>, Refusal> {
    let (_, caller, name) = own(gateway, context, path_user(path)).await?;
    let user = pb::UserRef::from(UserRef::Name(name));
    let names = codec::presence_targets(&context.read(body).await?, PresenceCall::Unsubscribe)?;
    let targets: Vec<pb::UserRef> = people::refs(&names).into_iter().map(|(_, user)| user).collect();
    if !targets.is_empty() {
        let request = context::request(&caller, pb::UnsubscribePresenceRequest { user: Some(user), targets });
        gateway.clients().directory.clone().unsubscribe_presence(request).await.map_err(refused)?;
    }
    Ok(codec::presence_done())
}

pub(crate) async fn subscriptions(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = list_page(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

/// The pages are numbered, the directory's are not: the previous ones are skipped in large steps.
async fn list_page(gateway: &Gateway, context: &RequestContext, path: Named) -> Result<Vec<u8>, Refusal> {
    let (_, caller, name) = own(gateway, context, path_user(path)).await?;
    let user = pb::UserRef::from(UserRef::Name(name));
    let (mut skip, size) = numbered_page(&context.query, MAX_PAGE)?;
    let mut token = String::new();
    while skip > 0 {
        let step = page(gateway, &caller, user.clone(), token, skip.min(1_000)).await?;
        skip -= 1_000;
        token = step.next_page_token;
        if token.is_empty() {
            return Ok(codec::presence_subscriptions(step.total, &[]));
        }
    }
    let found = page(gateway, &caller, user, token, size).await?;
    let subscriptions: Vec<(String, i64)> =
        found.subscriptions.into_iter().map(|one| (one.username, moment_or_zero(one.expires_at).0)).collect();
    Ok(codec::presence_subscriptions(found.total, &subscriptions))
}

async fn page(
    gateway: &Gateway,
    caller: &Caller,
    user: pb::UserRef,
    page_token: String,
    size: i64,
) -> Result<pb::ListPresenceSubscriptionsResponse, Error> {
    let request = pb::ListPresenceSubscriptionsRequest { user: Some(user), page_size: size as i32, page_token };
    let request = context::request(caller, request);
    let reply = gateway.clients().directory.clone().list_presence_subscriptions(request).await;
    Ok(reply.map_err(refused)?.into_inner())
}

/// The presences under the names of the request; invalid names are offline.
fn named(names: Vec<String>, places: Vec<usize>, found: Vec<pb::Presence>, with_expiry: bool) -> Vec<Presence> {
    let mut shown: Vec<Presence> =
        names.into_iter().map(|username| Presence { username, ..Presence::default() }).collect();
    for (place, found) in places.into_iter().zip(found) {
        if let Some(shown) = shown.get_mut(place) {
            shown.last_time = moment_or_zero(found.last_time).0;
            shown.expires_at = if with_expiry { moment_or_zero(found.expires_at).0 } else { 0 };
            shown.ext = found.ext;
            shown.statuses = found.statuses.into_iter().collect();
        }
    }
    shown
}
