//! Mutes of users: `/mutes` (agora.md 10.2).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::agora::{self as codec, Refusal};
use tidings_domain::{Caller, Error, Reason, UserMutes, UserRef};
use tidings_proto::pb;
use tidings_runtime::context;

use super::{
    context::RequestContext,
    page::numbered_page,
    people::{Named, path_user},
};
use crate::{Gateway, reply::refused};

/// The maximum page size.
const MAX_PAGE: i64 = 50;

pub(crate) async fn set(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    let outcome = change(&gateway, &context, body).await;
    context.answer(&gateway, outcome).await
}

async fn change(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let params = codec::user_mute_request(&context.read(body).await?)?;
    let request = pb::SetUserMutesRequest {
        user: Some(UserRef::Name(params.username).into()),
        direct_seconds: params.chat,
        group_seconds: params.groupchat,
        room_seconds: params.chatroom,
    };
    let request = context::request(&caller, request);
    gateway.clients().directory.clone().set_user_mutes(request).await.map_err(refused).map_err(refusal)?;
    Ok(codec::mute_set(&context.call(&identity.app), context.timing(gateway)))
}

pub(crate) async fn get(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = show(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

async fn show(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let name = path_user(named);
    if let Ok(name) = &name {
        identity.check_may_name(name)?;
    }
    let name = name.map_err(refusal)?;
    let folded = name.folded().to_owned();
    let request = context::request(&caller, pb::GetUserMutesRequest { user: Some(UserRef::Name(name).into()) });
    let found = gateway.clients().directory.clone().get_user_mutes(request).await;
    let mutes = UserMutes::try_from(&found.map_err(refused).map_err(refusal)?.into_inner()).map_err(refusal)?;
    let timing = context.timing(gateway);
    Ok(codec::mutes_of(&context.call(&identity.app), timing, (&folded, mutes), gateway.now()))
}

pub(crate) async fn list(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    let outcome = list_page(&gateway, &context).await;
    context.answer(&gateway, outcome).await
}

/// The pages are numbered, the directory's are not: the previous ones are skipped in large steps.
async fn list_page(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let (mut skip, size) = numbered_page(&context.query, MAX_PAGE)?;
    let mut token = String::new();
    while skip > 0 {
        let step = page(gateway, &caller, token, skip.min(1_000)).await?;
        skip -= 1_000;
        token = step.next_page_token;
        if token.is_empty() {
            return Ok(codec::mutes(&context.call(&identity.app), context.timing(gateway), &[], gateway.now()));
        }
    }
    let found = page(gateway, &caller, token, size).await?.mutes;
    let named = |muted: &pb::UserMutes| Ok((muted.username.to_ascii_lowercase(), muted.try_into()?));
    let muted = found.iter().map(named).collect::<Result<Vec<(String, UserMutes)>, Error>>()?;
    Ok(codec::mutes(&context.call(&identity.app), context.timing(gateway), &muted, gateway.now()))
}

async fn page(
    gateway: &Gateway,
    caller: &Caller,
    page_token: String,
    size: i64,
) -> Result<pb::ListUserMutesResponse, Error> {
    let request = pb::ListUserMutesRequest { page_size: size as i32, page_token };
    let reply = gateway.clients().directory.clone().list_user_mutes(context::request(caller, request)).await;
    Ok(reply.map_err(refused)?.into_inner())
}

fn refusal(error: Error) -> Refusal {
    match error.reason() {
        Reason::UserNotFound => codec::unknown_muted(),
        _ => error.into(),
    }
}
