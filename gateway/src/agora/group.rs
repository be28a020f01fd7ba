//! `/{org}/{app}/chatgroups` and `/chatrooms` (agora.md 10.3, 10.4).

use axum::{
    body::Body,
    extract::{Path, State},
    routing::{MethodRouter, get, post},
};
use tidings_dialects::agora::{self as codec, Group, GroupChange, GroupFields, Refusal};
use tidings_domain::{Caller, Error, GroupKind, Mute, Reason, UnixMillis, UserId, Username, decimal_id};
use tidings_proto::{moment_or_zero, mute_end, mute_or_none, pb};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    group_call::{GroupCall, handler, id_of, path_id},
    people::{self, Named},
};
use crate::{Gateway, identity::Who, reply::refused};

/// Maximum number of groups per request.
const MAX_GROUPS: usize = 100;
/// Maximum number of members that are shown with a group.
const SHOWN_MEMBERS: i32 = 1_000;

/// `/chatgroups/{id}`, or several ids separated by commas.
pub(crate) fn one(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, read_groups, named))
        .put(handler!(kind, change, named, body))
        .delete(handler!(kind, destroy, group))
}

/// `/chatgroups/{id}/disable`
pub(crate) fn disable(kind: GroupKind) -> MethodRouter<Gateway> {
    post(handler!(kind, switch_off, named))
}

/// `/chatgroups/{id}/enable`
pub(crate) fn enable(kind: GroupKind) -> MethodRouter<Gateway> {
    post(handler!(kind, switch_on, named))
}

/// `POST /chatgroups`, `POST /chatrooms`
pub(super) async fn create(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let params = codec::new_group(&context.read(body).await?)?;
    let owner = match (params.owner, &identity.who) {
        (Some(owner), _) => owner,
        (None, Who::User { username, .. }) => Username::parse(username)?,
        (None, _) => return Err(codec::owner_missing()),
    };
    identity.check_may_name(&owner)?;
    let names: Vec<&Username> = std::iter::once(&owner).chain(&params.members).collect();
    let mut ids = people::existing_ids(gateway, &caller, &names).await?.into_iter();
    let owner = ids.next().ok_or_else(|| Error::internal("a group without an owner"))?;
    let fields = &params.fields;
    let mut settings = settings(fields);
    if fields.asks_to_join.is_none() && fields.public == Some(true) {
        // The vendor's default. Nobody joins a group that is not public without approval.
        settings.apply_approval = pb::ApplyApproval::All.into();
    }
    let request = pb::CreateGroupRequest {
        kind: pb::GroupKind::from(kind).into(),
        owner_id: Some(owner.0),
        name: fields.name.clone().unwrap_or_default(),
        description: fields.description.clone().unwrap_or_default(),
        avatar: fields.avatar.clone().unwrap_or_default(),
        member_ids: ids.map(|user| user.0).collect(),
        settings: Some(settings),
        // Users create groups of their own; rooms are for super admins.
        needs_super_admin: kind == GroupKind::Room,
    };
    let made = gateway.clients().group.clone().create_group(context::request(&caller, request)).await;
    let (id, is_v3) = (made.map_err(refused)?.into_inner().id, codec::is_v3(&context.query));
    Ok(codec::group_created(&context.call(&identity.app), context.timing(gateway), kind, id, is_v3))
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
        invite_confirm: fields.invite_confirm,
        max_members: fields.max_members,
        public: fields.public,
        custom: fields.custom.clone(),
        mute_all_until: fields.mute_all.map(|muted| mute_end(if muted { Mute::Forever } else { Mute::No })),
        ..Default::default()
    }
}

async fn read_groups(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let written = named.as_ref().map_or("", |Path((_, _, ids))| ids.as_str());
    let ids: Vec<&str> = written.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
    if ids.len() > MAX_GROUPS {
        return Err(Refusal::new(
            400,
            "invalid_parameter",
            format!("group ids size is more than max limit : {MAX_GROUPS}"),
        ));
    }
    let found = find(gateway, &caller, kind, &ids).await.map_err(|error| missing(error, kind))?;
    let mut groups = shown(gateway, context, &caller, found).await?;
    for group in &mut groups {
        group.members = others(gateway, &caller, group).await?;
    }
    Ok(codec::groups(&context.call(&identity.app), context.timing(gateway), &groups))
}

/// Of a room that does not exist, its details have words of their own (agora.md 8.3).
fn missing(error: Error, kind: GroupKind) -> Refusal {
    match (error.reason(), kind) {
        (Reason::GroupNotFound, GroupKind::Room) => codec::group_missing(error.subject()),
        _ => error.into(),
    }
}

/// The groups with these ids; a single one must exist, of several the missing ones are left out.
async fn find(gateway: &Gateway, caller: &Caller, kind: GroupKind, ids: &[&str]) -> Result<Vec<pb::Group>, Error> {
    let group_ids: Vec<i64> = ids.iter().filter_map(|id| decimal_id(id)).collect();
    let mut found = Vec::new();
    if !group_ids.is_empty() {
        let request = pb::GetGroupsRequest { group_ids };
        let reply = gateway.clients().group.clone().get_groups(context::request(caller, request)).await;
        found = reply.map_err(refused)?.into_inner().groups;
        // Threads have calls of their own.
        found.retain(|group| group.kind() == pb::GroupKind::from(kind) && group.parent_group_id == 0);
    }
    match ids {
        [only] if found.is_empty() => Err(Error::new(Reason::GroupNotFound, *only)),
        [] => Err(Error::new(Reason::GroupNotFound, "")),
        _ => Ok(found),
    }
}

/// The group of the path.
async fn path_group(gateway: &Gateway, caller: &Caller, kind: GroupKind, written: &str) -> Result<pb::Group, Error> {
    let found = find(gateway, caller, kind, &[written]).await?;
    found.into_iter().next().ok_or_else(|| Error::new(Reason::GroupNotFound, written))
}

pub(super) async fn shown(
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
    let mute_all = mute_or_none(settings.mute_all_until);
    let asks_to_join = Some(settings.apply_approval() != pb::ApplyApproval::All);
    Group {
        id: group.id,
        kind,
        owner: names.of(UserId(group.owner_id)),
        members: Vec::new(),
        member_count: group.member_count,
        created: moment_or_zero(group.created_at).0,
        modified: moment_or_zero(group.updated_at).0,
        enabled: group.enabled,
        muted: mute_all.holds(UnixMillis(now)),
        fields: GroupFields {
            name: Some(group.name),
            description: Some(group.description),
            avatar: Some(group.avatar),
            public: settings.public,
            max_members: settings.max_members,
            member_invite: settings.member_invite,
            invite_confirm: settings.invite_confirm,
            asks_to_join,
            custom: settings.custom,
            mute_all: None,
            given: Vec::new(),
        },
    }
}

/// The names of the members other than the owner, which only members see.
async fn others(gateway: &Gateway, caller: &Caller, group: &Group) -> Result<Vec<String>, Error> {
    let request = pb::ListMembersRequest { group_id: group.id, page_size: SHOWN_MEMBERS, ..Default::default() };
    let reply = gateway.clients().group.clone().list_members(context::request(caller, request)).await;
    let members = match reply.map_err(refused) {
        Ok(page) => page.into_inner().members,
        Err(error) if error.reason() == Reason::NotGroupMember => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
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
    let (identity, caller) = context.any_caller(gateway).await?;
    let group = path_group(gateway, &caller, kind, id_of(&named)).await?;
    let given = match codec::group_change(&context.read(body).await?)? {
        GroupChange::Owner(owner) => {
            let new_owner = people::existing_ids(gateway, &caller, &[&owner]).await?;
            let new_owner_id = new_owner.first().map_or(0, |owner| owner.0);
            if new_owner_id == group.owner_id {
                return Err(codec::same_owner());
            }
            let request = pb::TransferGroupRequest { group_id: group.id, new_owner_id };
            gateway
                .clients()
                .group
                .clone()
                .transfer_group(context::request(&caller, request))
                .await
                .map_err(|status| codec::role_refusal(&refused(status), group.id, owner.folded()))?;
            vec!["newowner"]
        }
        GroupChange::Fields(fields) => {
            update(gateway, &caller, group.id, &fields).await?;
            fields.given
        }
    };
    let is_v3 = codec::is_v3(&context.query);
    Ok(codec::group_changed(&context.call(&identity.app), context.timing(gateway), &given, is_v3))
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

async fn destroy(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    let request = call.request(pb::DestroyGroupRequest { group_id: call.id });
    call.client().destroy_group(request).await.map_err(refused)?;
    let is_v3 = codec::is_v3(&call.context.query);
    Ok(codec::group_deleted(&call.call(), call.timing(), call.kind, call.id, is_v3))
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
    let group_id = path_id(gateway, &caller, kind, id_of(&named)).await?;
    let request = pb::UpdateGroupRequest { group_id, enabled: Some(enabled), ..Default::default() };
    gateway.clients().group.clone().update_group(context::request(&caller, request)).await.map_err(refused)?;
    Ok(codec::group_disabled(&context.call(&identity.app), context.timing(gateway), !enabled))
}
