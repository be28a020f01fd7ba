//! Members of groups and rooms: `/{org}/{app}/chatgroups/{id}/users` (agora.md 10.3, 10.4).

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    routing::{MethodRouter, delete, get, post},
};
use tidings_dialects::agora::{self as codec, Member, MemberDeed, PageQuery, PageRule, Refusal, Which};
use tidings_domain::{App, Caller, Error, GroupKind, GroupRole, Reason, UserId, Username};
use tidings_proto::{moment_or_zero, page_start, page_token, pb};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    deed::{Deed, each, perform},
    group::{handler, id_of, known, member_name, path_id},
    people::Named,
};
use crate::{
    Gateway,
    identity::{Identity, Who},
    membership::membership,
    reply::refused,
    request::query,
};

/// The path's `{org}`, `{app}`, `{id}` and `{username}`.
pub(super) type OfGroup = Result<Path<(String, String, String, String)>, PathRejection>;

/// Without a page all are meant, up to this number.
pub(super) const MEMBERS: PageRule = PageRule { first: 1, default: 1_000, most: 1_000 };

/// `/chatgroups/{id}/users`
pub(crate) fn all(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, list, named)).post(handler!(kind, add_many, named, body))
}

/// `/chatgroups/{id}/users/{username}`, where a deletion takes several separated by commas.
pub(crate) fn one(kind: GroupKind) -> MethodRouter<Gateway> {
    post(handler!(kind, add, member)).delete(handler!(kind, remove, member))
}

/// `/chatgroups/{id}/quit`
pub(crate) fn quit(kind: GroupKind) -> MethodRouter<Gateway> {
    delete(handler!(kind, leave, named))
}

/// `/chatgroups/{id}/apply`
pub(crate) fn apply(kind: GroupKind) -> MethodRouter<Gateway> {
    post(handler!(kind, ask_to_join, named, body))
}

/// `/chatgroups/{id}/user/{username}/is_joined`
pub(crate) fn joined(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, is_joined, member))
}

async fn list(gateway: &Gateway, context: &RequestContext, kind: GroupKind, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let group_id = path_id(gateway, &caller, kind, id_of(&named)).await.map_err(missing)?;
    let page = PageQuery::read(&context.query, MEMBERS)?;
    let request = pb::ListMembersRequest {
        group_id,
        page_size: page.size,
        page_token: page_token(page.after),
        skip: page.skip,
        ..Default::default()
    };
    let reply = gateway.clients().group.clone().list_members(context::request(&caller, request)).await;
    let reply = reply.map_err(refused).map_err(missing)?.into_inner();
    let members: Vec<Member> = reply.members.iter().map(shown).collect();
    let joined_time = codec::is_true(query(&context.query, "joined_time"));
    let next = page_start(&reply.next_page_token)?;
    let call = context.call(&identity.app);
    Ok(codec::members(&call, context.timing(gateway), (&page, joined_time), &members, next))
}

/// Lists of a group that does not exist have words of their own (agora.md 8.3).
fn missing(error: Error) -> Refusal {
    match error.reason() {
        Reason::GroupNotFound => codec::group_missing(error.subject()),
        _ => error.into(),
    }
}

fn shown(member: &pb::Member) -> Member {
    let role: Option<GroupRole> = member.role().into();
    Member {
        name: member_name(member),
        role: role.unwrap_or(GroupRole::Member),
        joined_at: moment_or_zero(member.joined_at).0,
    }
}

async fn add_many(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let group_id = path_id(gateway, &caller, kind, id_of(&named)).await?;
    let names = codec::usernames(&context.read(body).await?, MemberDeed::Add)?;
    let names = names.iter().map(|name| Username::parse(name)).collect::<Result<Vec<_>, _>>()?;
    let users = known(gateway, &caller, &names.iter().collect::<Vec<_>>()).await?;
    let results = perform(gateway, &caller, group_id, &users, Deed::Of(MemberDeed::Add)).await?;
    let mut added = Vec::with_capacity(names.len());
    for (name, user) in names.iter().zip(&users) {
        match results.get(user) {
            None => added.push(name.folded().to_owned()),
            Some(error) if error.reason() == Reason::AlreadyGroupMember => {}
            Some(error) => return Err(codec::member_refusal(error, group_id, name.folded())),
        }
    }
    Ok(codec::members_added(&context.call(&identity.app), context.timing(gateway), (kind, group_id), added))
}

/// Users add others if their role allows it, and themselves where everybody may join.
async fn add(gateway: &Gateway, context: &RequestContext, kind: GroupKind, path: OfGroup) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let (id, written) = of_path(path)?;
    let group_id = path_id(gateway, &caller, kind, &id).await?;
    let (name, user) = path_member(gateway, &caller, &written).await?;
    if is_own(&identity, user) {
        let request = pb::ApplyRequest { public_only: kind == GroupKind::Group, at_once: true, ..ask(group_id) };
        let reply = gateway.clients().group.clone().apply(context::request(&caller, request)).await;
        reply.map_err(|status| codec::member_refusal(&refused(status), group_id, name.folded()))?;
        return Ok(changed(gateway, context, &identity.app, (kind, group_id), MemberDeed::Add, &name));
    }
    one_changed(gateway, context, (&identity.app, &caller), (kind, group_id), (&name, user), MemberDeed::Add).await
}

async fn remove(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    path: OfGroup,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let (id, written) = of_path(path)?;
    let group_id = path_id(gateway, &caller, kind, &id).await?;
    if written.contains(',') {
        let names = codec::path_usernames(&written, MemberDeed::Remove)?;
        let removed = each(gateway, &caller, group_id, &names, Deed::Of(MemberDeed::Remove)).await?;
        let (call, which) = (context.call(&identity.app), (kind, group_id));
        return Ok(codec::members_changed(&call, context.timing(gateway), which, MemberDeed::Remove, &removed));
    }
    let (name, user) = path_member(gateway, &caller, &written).await?;
    if is_own(&identity, user) {
        go(gateway, &caller, (kind, group_id), &name).await?;
        return Ok(changed(gateway, context, &identity.app, (kind, group_id), MemberDeed::Remove, &name));
    }
    one_changed(gateway, context, (&identity.app, &caller), (kind, group_id), (&name, user), MemberDeed::Remove).await
}

pub(super) fn of_path(path: OfGroup) -> Result<(String, String), Error> {
    match path {
        Ok(Path((_, _, id, name))) => Ok((id, name)),
        Err(_) => Err(Error::user_not_found("")),
    }
}

/// The user of the path.
pub(super) async fn path_member(
    gateway: &Gateway,
    caller: &Caller,
    written: &str,
) -> Result<(Username, UserId), Refusal> {
    let name = Username::parse(written).map_err(|_| codec::unknown_user(written))?;
    let user = known(gateway, caller, &[&name]).await?.into_iter().next();
    let user = user.ok_or_else(|| Error::internal("the directory returned no user"))?;
    Ok((name, user))
}

/// Whether the call is made with a token of that user.
pub(super) fn is_own(identity: &Identity, user: UserId) -> bool {
    matches!(identity.who, Who::User { id, .. } if id == user)
}

/// One user, whose failure is the call's.
pub(super) async fn one_changed(
    gateway: &Gateway,
    context: &RequestContext,
    (app, caller): (&App, &Caller),
    which: Which,
    (name, user): (&Username, UserId),
    deed: MemberDeed,
) -> Result<Vec<u8>, Refusal> {
    let failed = perform(gateway, caller, which.1, &[user], Deed::Of(deed)).await?;
    if let Some(error) = failed.get(&user) {
        return Err(codec::member_refusal(error, which.1, name.folded()));
    }
    Ok(changed(gateway, context, app, which, deed, name))
}

fn changed(
    gateway: &Gateway,
    context: &RequestContext,
    app: &App,
    which: Which,
    deed: MemberDeed,
    name: &Username,
) -> Vec<u8> {
    let form = (deed, codec::is_v3(&context.query));
    codec::member_changed(&context.call(app), context.timing(gateway), which, form, name.folded())
}

/// The call's own user leaves.
async fn go(gateway: &Gateway, caller: &Caller, which: Which, name: &Username) -> Result<(), Refusal> {
    let request = pb::LeaveRequest { group_id: which.1, user_id: None };
    let reply = gateway.clients().group.clone().leave(context::request(caller, request)).await;
    reply.map(drop).map_err(|status| codec::member_refusal(&refused(status), which.1, name.folded()))
}

async fn leave(gateway: &Gateway, context: &RequestContext, kind: GroupKind, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = own_user(gateway, context).await?;
    let group_id = path_id(gateway, &caller, kind, id_of(&named)).await?;
    go(gateway, &caller, (kind, group_id), &name).await?;
    Ok(changed(gateway, context, &identity.app, (kind, group_id), MemberDeed::Quit, &name))
}

/// A group that takes everybody is joined at once, otherwise an admin decides.
async fn ask_to_join(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = own_user(gateway, context).await?;
    let group_id = path_id(gateway, &caller, kind, id_of(&named)).await?;
    let text = codec::application(&context.read(body).await?)?;
    let request = pb::ApplyRequest { text, public_only: kind == GroupKind::Group, ..ask(group_id) };
    let reply = gateway.clients().group.clone().apply(context::request(&caller, request)).await;
    reply.map_err(|status| codec::member_refusal(&refused(status), group_id, name.folded()))?;
    Ok(changed(gateway, context, &identity.app, (kind, group_id), MemberDeed::Apply, &name))
}

fn ask(group_id: i64) -> pb::ApplyRequest {
    pb::ApplyRequest { group_id, ..Default::default() }
}

/// The user whose token it is. The app itself neither joins nor leaves.
async fn own_user(
    gateway: &Gateway,
    context: &RequestContext,
) -> Result<(std::sync::Arc<Identity>, Caller, Username), Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let Who::User { username, .. } = &identity.who else {
        return Err(Error::not_permitted("only a user token joins or leaves").into());
    };
    let name = Username::parse(username)?;
    Ok((identity, caller, name))
}

async fn is_joined(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    path: OfGroup,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let (id, written) = of_path(path)?;
    let group_id = path_id(gateway, &caller, kind, &id).await?;
    let (name, user) = path_member(gateway, &caller, &written).await?;
    identity.check_may_name(&name)?;
    let membership = membership(gateway, &caller, user, group_id).await?;
    let joined = membership.is_some_and(|membership| membership.role.is_some());
    Ok(codec::is_joined(&context.call(&identity.app), context.timing(gateway), joined))
}
