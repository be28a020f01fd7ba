//! Devices, status and waiting messages of users, and the expiry of a token (agora.md 10.1, 10.2).

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
    routing::{MethodRouter, get},
};
use tidings_dialects::agora::{self as codec, OfflineStatus, Refusal, Resource};
use tidings_domain::{Actor, Caller, ConversationId, Error, Message, Reason, UserId, UserRef, Username, decimal_id};
use tidings_proto::pb;
use tidings_runtime::context;

use super::{
    context::RequestContext,
    people::{self, Named, own, path_user},
};
use crate::{Gateway, realtime::Checked, reply::refused};

/// The path's `{org}`, `{app}`, `{username}`, and what it names of theirs.
type OfUser = Result<Path<(String, String, String, String)>, PathRejection>;

/// `/users/{username}/disconnect`: clients of different ages call it with different methods.
pub(crate) fn disconnects() -> MethodRouter<Gateway> {
    let end = |State(gateway): State<Gateway>, context: RequestContext, named: Named| async move {
        let outcome = disconnect(&gateway, &context, named).await;
        context.answer(&gateway, outcome).await
    };
    get(end).post(end).delete(end)
}

/// `/users/{username}/disconnect/{resource}`
pub(crate) fn disconnects_one() -> MethodRouter<Gateway> {
    let end = |State(gateway): State<Gateway>, context: RequestContext, path: OfUser| async move {
        let outcome = disconnect_one(&gateway, &context, path).await;
        context.answer(&gateway, outcome).await
    };
    get(end).post(end).delete(end)
}

async fn disconnect(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let name = path_user(named);
    end_sessions(gateway, context, name, String::new()).await
}

/// A device that is not online stays so.
async fn disconnect_one(gateway: &Gateway, context: &RequestContext, path: OfUser) -> Result<Vec<u8>, Refusal> {
    let (name, resource) = split(path);
    end_sessions(gateway, context, name, resource).await
}

/// Ends sessions: of one device, or without a name of all. The user's tokens stay valid, so they can reconnect.
async fn end_sessions(
    gateway: &Gateway,
    context: &RequestContext,
    name: Result<Username, Error>,
    resource: String,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = own(gateway, context, name).await?;
    let user = Some(UserRef::Name(name).into());
    let request = pb::EndSessionsRequest { user, resource, ..Default::default() };
    gateway.clients().directory.clone().end_sessions(context::request(&caller, request)).await.map_err(refused)?;
    Ok(codec::disconnected(&context.call(&identity.app), context.timing(gateway)))
}

pub(crate) async fn resources(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = list_resources(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

async fn list_resources(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = own(gateway, context, path_user(named)).await?;
    let resource = |session: pb::Session| Resource { name: session.resource, platform: session.platform };
    let found: Vec<Resource> = sessions(gateway, &caller, name).await?.into_iter().map(resource).collect();
    Ok(codec::resources(&context.call(&identity.app), context.timing(gateway), &found))
}

pub(crate) async fn status(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = status_of(&gateway, &context, path_user(named)).await;
    context.answer(&gateway, outcome).await
}

/// Of the user whose name is the literal segment of the route for several.
pub(crate) async fn status_of_batch(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    let outcome = status_of(&gateway, &context, Username::parse("batch")).await;
    context.answer(&gateway, outcome).await
}

async fn status_of(
    gateway: &Gateway,
    context: &RequestContext,
    name: Result<Username, Error>,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = own(gateway, context, name).await?;
    let folded = name.folded().to_owned();
    let online = !sessions(gateway, &caller, name).await?.is_empty();
    Ok(codec::user_status(&context.call(&identity.app), context.timing(gateway), &folded, online))
}

async fn sessions(gateway: &Gateway, caller: &Caller, name: Username) -> Result<Vec<pb::Session>, Error> {
    let request = context::request(caller, pb::ListSessionsRequest { user: Some(UserRef::Name(name).into()) });
    Ok(gateway.clients().directory.clone().list_sessions(request).await.map_err(refused)?.into_inner().sessions)
}

pub(crate) async fn statuses(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    let outcome = batch(&gateway, &context, body).await;
    context.answer(&gateway, outcome).await
}

async fn batch(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let names = codec::statuses_request(&context.read(body).await?)?;
    let users = people::refs(&names);
    let mut online = vec![false; names.len()];
    if !users.is_empty() {
        let request = pb::GetUserStatusesRequest { users: users.iter().map(|(_, user)| user.clone()).collect() };
        let request = context::request(&caller, request);
        let reply = gateway.clients().directory.clone().get_user_statuses(request).await.map_err(refused)?;
        for ((place, _), status) in users.iter().zip(reply.into_inner().statuses) {
            if let Some(online) = online.get_mut(*place) {
                *online = status.online;
            }
        }
    }
    let statuses: Vec<(String, bool)> = names.into_iter().zip(online).collect();
    Ok(codec::statuses(&context.call(&identity.app), context.timing(gateway), &statuses))
}

pub(crate) async fn offline_count(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = count(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

/// The unread messages of the user's 1,000 newest conversations: the unread messages of a user without a device to
/// notify.
async fn count(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = own(gateway, context, path_user(named)).await?;
    let user = registered(gateway, &caller, &name).await?;
    let request = pb::ListConversationsRequest { user_id: Some(user.0), ..Default::default() };
    let request = context::request(&caller, request);
    let listed = gateway.clients().conversation.clone().list_conversations(request).await.map_err(refused)?;
    let total = listed.into_inner().unread_total;
    Ok(codec::offline_count(&context.call(&identity.app), context.timing(gateway), name.folded(), total))
}

pub(crate) async fn offline_status(State(gateway): State<Gateway>, context: RequestContext, path: OfUser) -> Response {
    let outcome = fate(&gateway, &context, path).await;
    context.answer(&gateway, outcome).await
}

/// Delivered once the user's cursor covers the message, and to its sender.
async fn fate(gateway: &Gateway, context: &RequestContext, path: OfUser) -> Result<Vec<u8>, Refusal> {
    let (name, msg_id) = split(path);
    let (identity, caller, name) = own(gateway, context, name).await?;
    let user = registered(gateway, &caller, &name).await?;
    let status = match message(gateway, &caller, &msg_id).await? {
        Some(message) if message.sender == user => OfflineStatus::Delivered,
        Some(message) if message.conversation.check_party(user).is_ok() => {
            let delivered = delivered_up_to(gateway, &caller, user, message.conversation).await?;
            if delivered >= message.msg_id.0 { OfflineStatus::Delivered } else { OfflineStatus::Undelivered }
        }
        _ => OfflineStatus::NotFound,
    };
    Ok(codec::offline_status(&context.call(&identity.app), context.timing(gateway), &msg_id, status))
}

/// `None`: there is none, or the caller cannot see it.
async fn message(gateway: &Gateway, caller: &Caller, msg_id: &str) -> Result<Option<Message>, Error> {
    let Some(msg_id) = decimal_id(msg_id) else {
        return Err(Error::invalid("msg_id", "must be a number"));
    };
    let request = context::request(caller, pb::FindRequest { msg_id });
    match gateway.clients().message.clone().find(request).await.map_err(refused) {
        Ok(found) => Message::try_from(found.into_inner()).map(Some),
        Err(error) if matches!(error.reason(), Reason::MessageNotFound | Reason::NotPermitted) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn delivered_up_to(
    gateway: &Gateway,
    caller: &Caller,
    user: UserId,
    conversation: ConversationId,
) -> Result<i64, Error> {
    let request = pb::ViewRequest { user_id: Some(user.0), conversation: Some(conversation.into()) };
    let request = context::request(caller, request);
    let view = gateway.clients().conversation.clone().view(request).await.map_err(refused)?;
    Ok(view.into_inner().own.map_or(0, |own| own.delivered_msg_id))
}

/// The id of a registered user.
async fn registered(gateway: &Gateway, caller: &Caller, name: &Username) -> Result<UserId, Error> {
    let request = context::request(caller, pb::GetUserRequest { user: Some(UserRef::Name(name.clone()).into()) });
    let user = gateway.clients().directory.clone().get_user(request).await.map_err(refused)?.into_inner();
    if user.registered { Ok(UserId(user.id)) } else { Err(Error::user_not_found(name.written())) }
}

fn split(path: OfUser) -> (Result<Username, Error>, String) {
    let Ok(Path((_, _, name, rest))) = path else {
        return (Err(Error::user_not_found("")), String::new());
    };
    (Username::parse(&name).map_err(|_| Error::user_not_found(name)), rest)
}

pub(crate) async fn token_expiry(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = expiry(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

/// Of the token that the call is made with.
async fn expiry(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, _) = own(gateway, context, path_user(named)).await?;
    // Client SDKs ask this when they renew the token of a session.
    if let Actor::User(user) = caller.actor {
        gateway.sockets().renew(caller.app, user, &Checked::new(context.token(), identity.expires_at));
    }
    let expires_at = identity.expires_at.map_or(0, |end| end.0);
    Ok(codec::token_expiry(&context.call(&identity.app), context.timing(gateway), expires_at))
}
