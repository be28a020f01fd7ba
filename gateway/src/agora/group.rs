//! `/{org}/{app}/chatgroups` and `/chatrooms` (agora.md 10.3, 10.4).

use std::collections::HashMap;

use axum::{
    body::Body,
    extract::{Path, State},
    routing::{MethodRouter, get, post},
};
use tidings_dialects::agora::{self as codec, Group, GroupChange, GroupFields, Refusal};
use tidings_domain::{Caller, Error, GroupKind, Reason, UserId, Username, decimal_id};
use tidings_proto::{page_start, page_token, pb};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    page::page_of,
    people::{self, Named, path_user},
};
use crate::{Gateway, reply::refused};

/// Maximum number of groups per request.
const MAX_GROUPS: usize = 100;
/// Maximum number of members that are shown with a group.
const SHOWN_MEMBERS: i32 = 1_000;

/// The signature of a handler, for groups or rooms.
macro_rules! handler {
    ($kind:ident, $answer:path) => {
        move |State(gateway): State<Gateway>, context: RequestContext| async move {
            let outcome = $answer(&gateway, &context, $kind).await;
            context.answer(&gateway, outcome).await
        }
    };
    ($kind:ident, $answer:path, named) => {
        move |State(gateway): State<Gateway>, context: RequestContext, named: Named| async move {
            let outcome = $answer(&gateway, &context, $kind, named).await;
            context.answer(&gateway, outcome).await
        }
    };
    ($kind:ident, $answer:path, body) => {
        move |State(gateway): State<Gateway>, context: RequestContext, body: Body| async move {
            let outcome = $answer(&gateway, &context, $kind, body).await;
            context.answer(&gateway, outcome).await
        }
    };
    ($kind:ident, $answer:path, named, body) => {
        move |State(gateway): State<Gateway>, context: RequestContext, named: Named, body: Body| async move {
            let outcome = $answer(&gateway, &context, $kind, named, body).await;
            context.answer(&gateway, outcome).await
        }
    };
}
pub(super) use handler;

/// `/chatgroups`, `/chatrooms`
pub(crate) fn all(kind: GroupKind) -> MethodRouter<Gateway> {
    post(handler!(kind, create, body)).get(handler!(kind, list))
}

/// `/chatgroups/{id}`, or several ids separated by commas.
pub(crate) fn one(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, read_groups, named))
        .put(handler!(kind, change, named, body))
        .delete(handler!(kind, destroy, named))
}

/// `/chatgroups/{id}/disable`
pub(crate) fn disable(kind: GroupKind) -> MethodRouter<Gateway> {
    post(handler!(kind, switch_off, named))
}

/// `/chatgroups/{id}/enable`
pub(crate) fn enable(kind: GroupKind) -> MethodRouter<Gateway> {
    post(handler!(kind, switch_on, named))
}

/// `/users/{username}/joined_chatgroups`, and the newer `/chatgroups/user/{username}`
pub(crate) fn joined(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, list_joined, named))
}

async fn create(gateway: &Gateway, context: &RequestContext, kind: GroupKind, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let wanted = codec::new_group(&context.read(body).await?)?;
    let names: Vec<&Username> = std::iter::once(&wanted.owner).chain(&wanted.members).collect();
    let mut ids = known(gateway, &caller, &names).await?.into_iter();
    let owner = ids.next().ok_or_else(|| Error::internal("a group without an owner"))?;
    let request = pb::CreateGroupRequest {
        kind: pb::GroupKind::from(kind).into(),
        owner_id: Some(owner.0),
        name: wanted.fields.name.clone().unwrap_or_default(),
        description: wanted.fields.description.clone().unwrap_or_default(),
        avatar: wanted.fields.avatar.clone().unwrap_or_default(),
        member_ids: ids.map(|user| user.0).collect(),
        settings: Some(settings(&wanted.fields)),
    };
    let made = gateway.clients().group.clone().create_group(context::request(&caller, request)).await;
    let id = made.map_err(refused)?.into_inner().id;
    Ok(codec::group_created(&context.call(&identity.app), context.timing(gateway), kind, id))
}

/// Ids of users in a body; the first unknown one is reported by name.
pub(super) async fn known(gateway: &Gateway, caller: &Caller, names: &[&Username]) -> Result<Vec<UserId>, Refusal> {
    people::ids(gateway, caller, names).await.map_err(|error| match error.reason() {
        Reason::UserNotFound => codec::unknown_user(error.subject()),
        _ => Refusal::from(error),
    })
}

fn settings(fields: &GroupFields) -> pb::GroupSettings {
    let approval = match fields.asks_to_join {
        None => pb::ApplyApproval::Unspecified,
        Some(true) => pb::ApplyApproval::Ask,
        Some(false) => pb::ApplyApproval::All,
    };
    pb::GroupSettings {
        apply_approval: approval.into(),
        member_invite: fields.member_invite,
        max_members: fields.max_members,
        public: fields.public,
        custom: fields.custom.clone(),
        ..Default::default()
    }
}

async fn list(gateway: &Gateway, context: &RequestContext, kind: GroupKind) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let query = codec::list_query(&context.query)?;
    let (kind, page_token) = (pb::GroupKind::from(kind).into(), page_token(query.cursor.0));
    let request = pb::ListGroupsRequest { kind, page_size: query.limit, page_token };
    let page = gateway.clients().group.clone().list_groups(context::request(&caller, request)).await;
    let page = page.map_err(refused)?.into_inner();
    let groups = shown(gateway, context, &caller, page.groups).await?;
    let (call, next) = (context.call(&identity.app), page_start(&page.next_page_token)?);
    Ok(codec::group_list(&call, context.timing(gateway), &query, &groups, next))
}

async fn read_groups(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let written = named.as_ref().map_or("", |Path((_, _, ids))| ids.as_str());
    let ids: Vec<&str> = written.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
    if ids.len() > MAX_GROUPS {
        return Err(Refusal::new(
            400,
            "invalid_parameter",
            format!("group ids size is more than max limit : {MAX_GROUPS}"),
        ));
    }
    let found = find(gateway, &caller, kind, &ids).await?;
    let mut groups = shown(gateway, context, &caller, found).await?;
    for group in &mut groups {
        group.members = others(gateway, &caller, group).await?;
    }
    Ok(codec::groups(&context.call(&identity.app), context.timing(gateway), &groups))
}

/// The groups with these ids; a single one must exist, of several the missing ones are left out.
async fn find(gateway: &Gateway, caller: &Caller, kind: GroupKind, ids: &[&str]) -> Result<Vec<pb::Group>, Error> {
    let group_ids: Vec<i64> = ids.iter().filter_map(|id| decimal_id(id)).collect();
    let mut found = Vec::new();
    if !group_ids.is_empty() {
        let request = pb::GetGroupsRequest { group_ids };
        let reply = gateway.clients().group.clone().get_groups(context::request(caller, request)).await;
        found = reply.map_err(refused)?.into_inner().groups;
        found.retain(|group| group.kind() == pb::GroupKind::from(kind));
    }
    match ids {
        [only] if found.is_empty() => Err(Error::new(Reason::GroupNotFound, *only)),
        [] => Err(Error::new(Reason::GroupNotFound, "")),
        _ => Ok(found),
    }
}

/// The group of the path.
pub(super) async fn path_group(
    gateway: &Gateway,
    caller: &Caller,
    kind: GroupKind,
    written: &str,
) -> Result<pb::Group, Error> {
    let found = find(gateway, caller, kind, &[written]).await?;
    found.into_iter().next().ok_or_else(|| Error::new(Reason::GroupNotFound, written))
}

async fn shown(
    gateway: &Gateway,
    context: &RequestContext,
    caller: &Caller,
    groups: Vec<pb::Group>,
) -> Result<Vec<Group>, Error> {
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let owners = groups.iter().map(|group| UserId(group.owner_id));
    let names = people::names(gateway, caller, [], owners).await?;
    let now = context.timing(gateway).timestamp;
    Ok(groups.into_iter().map(|group| of_wire(group, &names, now)).collect())
}

fn of_wire(group: pb::Group, names: &codec::Names, now: i64) -> Group {
    let kind = GroupKind::from(group.kind());
    let settings = group.settings.unwrap_or_default();
    let mute_all = settings.mute_all_until_ms();
    let asks_to_join = Some(settings.apply_approval() != pb::ApplyApproval::All);
    Group {
        id: group.id,
        kind,
        owner: names.of(UserId(group.owner_id)),
        members: Vec::new(),
        member_count: group.member_count,
        created: group.created_at_ms,
        modified: group.updated_at_ms,
        enabled: group.enabled,
        muted: mute_all == -1 || mute_all > now,
        fields: GroupFields {
            name: Some(group.name),
            description: Some(group.description),
            avatar: Some(group.avatar),
            public: settings.public,
            max_members: settings.max_members,
            member_invite: settings.member_invite,
            asks_to_join,
            custom: settings.custom,
            given: Vec::new(),
        },
    }
}

/// The names of the members other than the owner.
async fn others(gateway: &Gateway, caller: &Caller, group: &Group) -> Result<Vec<String>, Error> {
    let request = pb::ListMembersRequest { group_id: group.id, page_size: SHOWN_MEMBERS, ..Default::default() };
    let reply = gateway.clients().group.clone().list_members(context::request(caller, request)).await;
    let members = reply.map_err(refused)?.into_inner().members;
    let others = members.iter().filter(|member| member.role() != pb::GroupRole::Owner);
    Ok(others.map(member_name).collect())
}

/// The folded name, or the id of users without one.
pub(super) fn member_name(member: &pb::Member) -> String {
    if member.username.is_empty() { member.user_id.to_string() } else { member.username.to_ascii_lowercase() }
}

async fn change(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let group = path_group(gateway, &caller, kind, id_of(&named)).await?;
    let given = match codec::group_change(&context.read(body).await?)? {
        GroupChange::Owner(owner) => {
            let new_owner = known(gateway, &caller, &[&owner]).await?;
            let new_owner_id = new_owner.first().map_or(0, |owner| owner.0);
            let request = pb::TransferGroupRequest { group_id: group.id, new_owner_id };
            gateway
                .clients()
                .group
                .clone()
                .transfer_group(context::request(&caller, request))
                .await
                .map_err(refused)?;
            vec!["newowner"]
        }
        GroupChange::Fields(fields) => {
            update(gateway, &caller, group.id, &fields).await?;
            fields.given
        }
    };
    Ok(codec::group_changed(&context.call(&identity.app), context.timing(gateway), &given))
}

async fn update(gateway: &Gateway, caller: &Caller, group_id: i64, fields: &GroupFields) -> Result<(), Error> {
    let request = pb::UpdateGroupRequest {
        group_id,
        name: fields.name.clone(),
        description: fields.description.clone(),
        avatar: fields.avatar.clone(),
        settings: Some(settings(fields)),
        enabled: None,
    };
    gateway.clients().group.clone().update_group(context::request(caller, request)).await.map_err(refused)?;
    Ok(())
}

pub(super) fn id_of(named: &Named) -> &str {
    named.as_ref().map_or("", |Path((_, _, id))| id)
}

async fn destroy(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let group = path_group(gateway, &caller, kind, id_of(&named)).await?;
    let request = pb::DestroyGroupRequest { group_id: group.id };
    gateway.clients().group.clone().destroy_group(context::request(&caller, request)).await.map_err(refused)?;
    Ok(codec::group_deleted(&context.call(&identity.app), context.timing(gateway), kind, group.id))
}

async fn switch_off(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
) -> Result<Vec<u8>, Refusal> {
    switch(gateway, context, (kind, named), false).await
}

async fn switch_on(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
) -> Result<Vec<u8>, Refusal> {
    switch(gateway, context, (kind, named), true).await
}

async fn switch(
    gateway: &Gateway,
    context: &RequestContext,
    (kind, named): (GroupKind, Named),
    enabled: bool,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let group = path_group(gateway, &caller, kind, id_of(&named)).await?;
    let request = pb::UpdateGroupRequest { group_id: group.id, enabled: Some(enabled), ..Default::default() };
    gateway.clients().group.clone().update_group(context::request(&caller, request)).await.map_err(refused)?;
    Ok(codec::group_disabled(&context.call(&identity.app), context.timing(gateway), !enabled))
}

async fn list_joined(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let user = people::id(gateway, &caller, &path_user(named)?).await?;
    let (skip, take) = page_of(&context.query)?;
    let (user_id, kind) = (Some(user.0), pb::GroupKind::from(kind).into());
    let request = pb::JoinedRequest { user_id, kind, ..Default::default() };
    let reply = gateway.clients().group.clone().joined(context::request(&caller, request)).await;
    let memberships = reply.map_err(refused)?.into_inner().memberships;
    let ids: Vec<i64> = memberships.iter().map(|membership| membership.group_id).skip(skip).take(take).collect();
    let mut found = HashMap::new();
    for group_ids in ids.chunks(MAX_GROUPS) {
        let request = pb::GetGroupsRequest { group_ids: group_ids.to_vec() };
        let reply = gateway.clients().group.clone().get_groups(context::request(&caller, request)).await;
        found.extend(reply.map_err(refused)?.into_inner().groups.into_iter().map(|group| (group.id, group)));
    }
    let groups = ids.iter().filter_map(|id| found.remove(id)).collect();
    let groups = shown(gateway, context, &caller, groups).await?;
    Ok(codec::joined(&context.call(&identity.app), context.timing(gateway), &groups))
}
