//! Lists of groups and rooms: `/{org}/{app}/chatgroups`, `/publicchatgroups`, `/users/{username}/joined_chatgroups`
//! (agora.md 10.3, 10.4).

use std::collections::HashMap;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    response::Response,
    routing::{MethodRouter, get},
};
use tidings_dialects::agora::{self as codec, Group, PageQuery, PageRule, Refusal};
use tidings_domain::{App, Caller, Error, GroupKind, GroupRole};
use tidings_proto::{page_start, page_token, pb};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    group::{self, shown},
    group_call::handler,
    people::{self, Named, path_user},
};
use crate::{Gateway, reply::refused};

/// Lists of the app, whose groups are counted one by one.
const OF_APP: PageRule = PageRule { first: 1, default: 20, most: 100 };
/// Lists of a user. Without a page all are meant.
const OF_USER: PageRule = PageRule { first: 1, default: 1_000, most: 1_000 };
/// The same where pages are numbered from 0: in the newer call, and by web clients.
const FROM_ZERO: PageRule = PageRule { first: 0, ..OF_USER };
/// Maximum number of groups per request.
const MAX_GROUPS: usize = 100;

/// `/chatgroups`, `/chatrooms`
pub(crate) fn all(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, list_all)).post(handler!(kind, group::create, body))
}

/// `/users/{username}/joined_chatgroups`
pub(crate) fn joined(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, list_joined, named))
}

/// The newer `/chatgroups/user/{username}`
pub(crate) fn joined_entities(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, list_joined_entities, named))
}

/// `/chatgroups/user/{username}/joined_count`
pub(crate) fn joined_count(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, count_joined, named))
}

async fn list_all(gateway: &Gateway, context: &RequestContext, kind: GroupKind) -> Result<Vec<u8>, Refusal> {
    let (app, query, groups, next) = list(gateway, context, kind, false).await?;
    Ok(codec::group_list(&context.call(&app), context.timing(gateway), &query, &groups, next))
}

/// `GET /publicchatgroups`
pub(crate) async fn public(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    let listed = list(&gateway, &context, GroupKind::Group, true).await;
    let outcome = listed.map(|(app, query, groups, next)| {
        codec::public_groups(&context.call(&app), context.timing(&gateway), &query, &groups, next)
    });
    context.answer(&gateway, outcome).await
}

async fn list(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    public_only: bool,
) -> Result<(Arc<App>, PageQuery, Vec<Group>, i64), Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let query = PageQuery::read(&context.query, OF_APP)?;
    let request = pb::ListGroupsRequest {
        kind: pb::GroupKind::from(kind).into(),
        page_size: query.size,
        page_token: page_token(query.after),
        public_only,
        skip: query.skip,
    };
    let page = gateway.clients().group.clone().list_groups(context::request(&caller, request)).await;
    let page = page.map_err(refused)?.into_inner();
    let groups = shown(gateway, context, &caller, page.groups).await?;
    Ok((Arc::clone(&identity.app), query, groups, page_start(&page.next_page_token)?))
}

async fn list_joined(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
) -> Result<Vec<u8>, Refusal> {
    let from_zero = kind == GroupKind::Group && codec::is_v3(&context.query);
    let query = PageQuery::read(&context.query, if from_zero { FROM_ZERO } else { OF_USER })?;
    let (app, groups, _) = joined_page(gateway, context, kind, named, (&query, false)).await?;
    Ok(codec::joined(&context.call(&app), context.timing(gateway), &query, &groups))
}

async fn list_joined_entities(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
) -> Result<Vec<u8>, Refusal> {
    let query = PageQuery::read(&context.query, FROM_ZERO)?;
    let (app, groups, total) = joined_page(gateway, context, kind, named, (&query, true)).await?;
    Ok(codec::joined_entities(&context.call(&app), context.timing(gateway), &query, &groups, total))
}

async fn count_joined(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
) -> Result<Vec<u8>, Refusal> {
    let query = PageQuery::read("limit=1", FROM_ZERO)?;
    let (app, _, total) = joined_page(gateway, context, kind, named, (&query, true)).await?;
    Ok(codec::joined_count(&context.call(&app), context.timing(gateway), total))
}

/// A page of the groups that the user of the path is in, with the user's role in each, and how many there are in all if
/// that is wanted.
async fn joined_page(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
    (query, with_total): (&PageQuery, bool),
) -> Result<(Arc<App>, Vec<(Group, GroupRole)>, i32), Refusal> {
    let user = path_user(named)?;
    let (identity, caller) = context.caller_for(gateway, &user).await?;
    let user = people::id(gateway, &caller, &user).await?;
    let request = pb::JoinedRequest {
        user_id: Some(user.0),
        kind: pb::GroupKind::from(kind).into(),
        page_size: query.size,
        page_token: page_token(query.after),
        skip: query.skip,
        with_total,
    };
    let reply = gateway.clients().group.clone().joined(context::request(&caller, request)).await;
    let page = reply.map_err(refused)?.into_inner();
    let groups = with_roles(gateway, context, &caller, page.memberships).await?;
    Ok((Arc::clone(&identity.app), groups, page.total))
}

async fn with_roles(
    gateway: &Gateway,
    context: &RequestContext,
    caller: &Caller,
    memberships: Vec<pb::Membership>,
) -> Result<Vec<(Group, GroupRole)>, Error> {
    let mut found: HashMap<i64, pb::Group> = HashMap::with_capacity(memberships.len());
    for some in memberships.chunks(MAX_GROUPS) {
        let group_ids = some.iter().map(|membership| membership.group_id).collect();
        let request = pb::GetGroupsRequest { group_ids };
        let reply = gateway.clients().group.clone().get_groups(context::request(caller, request)).await;
        found.extend(reply.map_err(refused)?.into_inner().groups.into_iter().map(|group| (group.id, group)));
    }
    let (mut groups, mut roles) = (Vec::with_capacity(found.len()), Vec::with_capacity(found.len()));
    for membership in memberships {
        // One that ended meanwhile is left out.
        if let (Some(group), Some(role)) = (found.remove(&membership.group_id), membership.role().into()) {
            groups.push(group);
            roles.push(role);
        }
    }
    Ok(shown(gateway, context, caller, groups).await?.into_iter().zip(roles).collect())
}
