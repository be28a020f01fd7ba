//! `/{org}/{app}/chatrooms/super_admin` (agora.md 10.4).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::agora::{self as codec, PageQuery, Refusal};
use tidings_domain::{Caller, Username};
use tidings_proto::{page_token, pb};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    people::{self, Named, path_user},
    shared_file::PAGES,
};
use crate::{Gateway, reply::refused};

/// Super admins per request to the directory.
const BATCH: i32 = 1_000;

/// `POST /chatrooms/super_admin`
pub(crate) async fn add(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    let outcome = appoint(&gateway, &context, body).await;
    context.answer(&gateway, outcome).await
}

async fn appoint(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let name = codec::new_super_admin(&context.read(body).await?)?;
    set(gateway, &caller, &name, true).await?;
    Ok(codec::super_admin_added(&context.call(&identity.app), context.timing(gateway)))
}

async fn set(gateway: &Gateway, caller: &Caller, name: &Username, is_super_admin: bool) -> Result<(), Refusal> {
    let users = people::existing_ids(gateway, caller, &[name]).await?;
    let user_id = users.first().map_or(0, |user| user.0);
    let request = context::request(caller, pb::SetSuperAdminRequest { user_id, is_super_admin });
    gateway.clients().group.clone().set_super_admin(request).await.map_err(refused)?;
    Ok(())
}

/// `DELETE /chatrooms/super_admin/{username}`
pub(crate) async fn remove(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = dismiss(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

async fn dismiss(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let name = path_user(named).map_err(|error| codec::unknown_user(error.subject()))?;
    set(gateway, &caller, &name, false).await?;
    Ok(codec::super_admin_removed(&context.call(&identity.app), context.timing(gateway), name.folded()))
}

/// `GET /chatrooms/super_admin`
pub(crate) async fn list(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    let outcome = all(&gateway, &context).await;
    context.answer(&gateway, outcome).await
}

async fn all(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let query = PageQuery::read(&context.query, PAGES)?;
    let (mut skip, take) = (query.skip as usize, query.size as usize);
    let mut users = Vec::with_capacity(take);
    let mut page_token = page_token(query.after);
    loop {
        let request = pb::ListSuperAdminsRequest { page_size: BATCH, page_token };
        let reply = gateway.clients().group.clone().list_super_admins(context::request(&caller, request)).await;
        let page = reply.map_err(refused)?.into_inner();
        let here = page.super_admins.len();
        let names = page.super_admins.into_iter().map(|user| user.username.to_ascii_lowercase());
        users.extend(names.skip(skip).take(take - users.len()));
        skip = skip.saturating_sub(here);
        page_token = page.next_page_token;
        if page_token.is_empty() || users.len() >= take {
            break;
        }
    }
    Ok(codec::super_admins(&context.call(&identity.app), context.timing(gateway), &query, &users))
}
