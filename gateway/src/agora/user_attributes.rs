//! Attributes of users: `/metadata/user` (agora.md 10.2).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::agora::{self as codec, Attributes, Refusal};
use tidings_domain::{Caller, Error, Reason, UserRef};
use tidings_proto::pb;
use tidings_runtime::context;

use super::{
    context::RequestContext,
    people::{self, Named, own, path_user},
};
use crate::{Gateway, reply::refused};

pub(crate) async fn set(State(gateway): State<Gateway>, context: RequestContext, named: Named, body: Body) -> Response {
    let outcome = change(&gateway, &context, named, body).await;
    context.answer(&gateway, outcome).await
}

async fn change(gateway: &Gateway, context: &RequestContext, named: Named, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = own(gateway, context, path_user(named)).await?;
    let attributes = codec::attributes_in(&context.read(body).await?)?;
    let request = pb::SetUserAttributesRequest {
        user: Some(UserRef::Name(name).into()),
        attributes: attributes.clone().into_iter().collect(),
    };
    let request = context::request(&caller, request);
    gateway.clients().directory.clone().set_user_attributes(request).await.map_err(refused)?;
    Ok(codec::attributes(&context.call(&identity.app), context.timing(gateway), &attributes))
}

pub(crate) async fn get(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = show(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

/// Nobody has none.
async fn show(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let found = match path_user(named) {
        Ok(name) => {
            identity.check_may_name(&name)?;
            find(gateway, &caller, vec![UserRef::Name(name).into()], Vec::new()).await?.pop()
        }
        Err(_) => None,
    };
    let timing = context.timing(gateway);
    Ok(codec::attributes(&context.call(&identity.app), timing, &found.unwrap_or_default()))
}

pub(crate) async fn delete(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = remove(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

/// To delete what is not there succeeds.
async fn remove(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    if let Ok(name) = path_user(named) {
        identity.check_may_name(&name)?;
        let request = pb::DeleteUserAttributesRequest { user: Some(UserRef::Name(name).into()) };
        let request = context::request(&caller, request);
        match gateway.clients().directory.clone().delete_user_attributes(request).await.map_err(refused) {
            Err(error) if error.reason() != Reason::UserNotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(codec::attributes_deleted(&context.call(&identity.app), context.timing(gateway)))
}

pub(crate) async fn get_many(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    let outcome = show_many(&gateway, &context, body).await;
    context.answer(&gateway, outcome).await
}

/// Users read those of others.
async fn show_many(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let query = codec::attributes_query(&context.read(body).await?)?;
    let (places, users): (Vec<usize>, Vec<pb::UserRef>) = people::refs(&query.targets).into_iter().unzip();
    let mut found = vec![Attributes::new(); query.targets.len()];
    if !users.is_empty() {
        for (place, attributes) in places.into_iter().zip(find(gateway, &caller, users, query.names).await?) {
            if let Some(found) = found.get_mut(place) {
                *found = attributes;
            }
        }
    }
    let users: Vec<(String, Attributes)> = query.targets.into_iter().zip(found).collect();
    Ok(codec::attributes_by_user(&context.call(&identity.app), context.timing(gateway), &users))
}

/// In the order of the request.
async fn find(
    gateway: &Gateway,
    caller: &Caller,
    users: Vec<pb::UserRef>,
    names: Vec<String>,
) -> Result<Vec<Attributes>, Error> {
    let request = context::request(caller, pb::GetUserAttributesRequest { users, names });
    let reply = gateway.clients().directory.clone().get_user_attributes(request).await.map_err(refused)?;
    Ok(reply.into_inner().users.into_iter().map(|user| user.attributes.into_iter().collect()).collect())
}

pub(crate) async fn capacity(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    let outcome = size(&gateway, &context).await;
    context.answer(&gateway, outcome).await
}

async fn size(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let request = context::request(&caller, pb::GetUserAttributesSizeRequest {});
    let reply = gateway.clients().directory.clone().get_user_attributes_size(request).await.map_err(refused)?;
    let bytes = reply.into_inner().bytes;
    Ok(codec::attributes_size(&context.call(&identity.app), context.timing(gateway), bytes))
}
