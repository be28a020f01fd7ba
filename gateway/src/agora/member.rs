//! Members of groups and rooms: `/{org}/{app}/chatgroups/{id}/users` (agora.md 10.3, 10.4).

use axum::{
    body::Body,
    extract::State,
    routing::{MethodRouter, delete, get, post},
};
use tidings_dialects::agora::{self as codec, Member, MemberAction, PageQuery, PageRule, Refusal};
use tidings_domain::{Error, GroupKind, GroupRole, Reason, UserId, Username};
use tidings_proto::{moment_or_zero, page_start, page_token, pb};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    group::member_name,
    group_call::{GroupCall, OfGroup, handler, id_of, path_id},
    member_change::{MemberChange, change_each, change_members},
    people::{self, Named},
};
use crate::{
    Gateway,
    identity::{Identity, Who},
    membership::membership,
    reply::refused,
    request::query,
};

/// Without a page all are meant, up to this number.
pub(super) const MEMBERS: PageRule = PageRule { first: 1, default: 1_000, most: 1_000 };

/// `/chatgroups/{id}/users`
pub(crate) fn all(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, list, named)).post(handler!(kind, add_many, group, body))
}

/// `/chatgroups/{id}/users/{username}`, where a deletion takes several separated by commas.
pub(crate) fn one(kind: GroupKind) -> MethodRouter<Gateway> {
    post(handler!(kind, add, member)).delete(handler!(kind, remove, member))
}

/// `/chatgroups/{id}/quit`
pub(crate) fn quit(kind: GroupKind) -> MethodRouter<Gateway> {
    delete(handler!(kind, leave, named))
}

/// `/chatgroups/{id}/apply`, and `/chatrooms/{id}/apply`, by which web SDKs before 4 enter a room.
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

async fn add_many(call: &GroupCall<'_>, body: Body) -> Result<Vec<u8>, Refusal> {
    let names = codec::usernames(&call.context.read(body).await?, MemberAction::Add)?;
    let names = names.iter().map(|name| Username::parse(name)).collect::<Result<Vec<_>, _>>()?;
    let users = people::existing_ids(call.gateway, &call.caller, &names.iter().collect::<Vec<_>>()).await?;
    let results = change_members(call, &users, MemberChange::Action(MemberAction::Add)).await?;
    let mut added = Vec::with_capacity(names.len());
    for (name, user) in names.iter().zip(&users) {
        match results.get(user) {
            None => added.push(name.folded().to_owned()),
            Some(error) if error.reason() == Reason::AlreadyGroupMember => {}
            Some(error) => return Err(codec::member_refusal(error, call.id, name.folded())),
        }
    }
    Ok(codec::members_added(&call.call(), call.timing(), call.which(), added))
}

/// Users add others if their role allows it, and themselves where everybody may join.
async fn add(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    let (name, user) = call.member().await?;
    if !is_own(&call.identity, user) {
        return one_changed(call, (&name, user), MemberAction::Add).await;
    }
    let public_only = call.kind == GroupKind::Group;
    let request = pb::ApplyRequest { group_id: call.id, public_only, at_once: true, ..Default::default() };
    let reply = call.client().apply(call.request(request)).await;
    reply.map_err(|status| codec::member_refusal(&refused(status), call.id, name.folded()))?;
    Ok(changed(call, MemberAction::Add, &name))
}

async fn remove(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    if call.segment.contains(',') {
        return several_changed(call, MemberAction::Remove).await;
    }
    let (name, user) = call.member().await?;
    if !is_own(&call.identity, user) {
        return one_changed(call, (&name, user), MemberAction::Remove).await;
    }
    go(call, &name).await?;
    Ok(changed(call, MemberAction::Remove, &name))
}

/// Whether the call is made with a token of that user.
fn is_own(identity: &Identity, user: UserId) -> bool {
    matches!(identity.who, Who::User { id, .. } if id == user)
}

/// One user, whose failure is the call's.
pub(super) async fn one_changed(
    call: &GroupCall<'_>,
    (name, user): (&Username, UserId),
    action: MemberAction,
) -> Result<Vec<u8>, Refusal> {
    let failed = change_members(call, &[user], MemberChange::Action(action)).await?;
    if let Some(error) = failed.get(&user) {
        return Err(codec::member_refusal(error, call.id, name.folded()));
    }
    Ok(changed(call, action, name))
}

/// The users of the path, which are separated by commas; each of them has an outcome.
pub(super) async fn several_changed(call: &GroupCall<'_>, action: MemberAction) -> Result<Vec<u8>, Refusal> {
    let names = codec::path_usernames(&call.segment, action)?;
    let outcomes = change_each(call, &names, MemberChange::Action(action)).await?;
    Ok(codec::members_changed(&call.call(), call.timing(), call.which(), action, &outcomes))
}

fn changed(call: &GroupCall<'_>, action: MemberAction, name: &Username) -> Vec<u8> {
    let form = (action, codec::is_v3(&call.context.query));
    codec::member_changed(&call.call(), call.timing(), call.which(), form, name.folded())
}

/// The call's own user leaves.
async fn go(call: &GroupCall<'_>, name: &Username) -> Result<(), Refusal> {
    let reply = call.client().leave(call.request(pb::LeaveRequest { group_id: call.id, user_id: None })).await;
    reply.map(drop).map_err(|status| codec::member_refusal(&refused(status), call.id, name.folded()))
}

async fn leave(gateway: &Gateway, context: &RequestContext, kind: GroupKind, named: Named) -> Result<Vec<u8>, Refusal> {
    let (call, name) = own_call(gateway, context, kind, &named).await?;
    go(&call, &name).await?;
    Ok(changed(&call, MemberAction::Quit, &name))
}

/// An open group is joined immediately, otherwise an admin decides.
async fn ask_to_join(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (call, name) = own_call(gateway, context, kind, &named).await?;
    let text = codec::application(&context.read(body).await?)?;
    let public_only = kind == GroupKind::Group;
    let request = pb::ApplyRequest { group_id: call.id, text, public_only, ..Default::default() };
    match call.client().apply(call.request(request)).await.map_err(refused) {
        Ok(_) => {}
        // Clients enter a room again after they reconnect.
        Err(error) if kind == GroupKind::Room && error.reason() == Reason::AlreadyGroupMember => {}
        Err(error) => return Err(codec::member_refusal(&error, call.id, name.folded())),
    }
    Ok(changed(&call, MemberAction::Apply, &name))
}

/// A call of a user's token, with the user's name. The app itself neither joins nor leaves, whatever group it names.
async fn own_call<'a>(
    gateway: &'a Gateway,
    context: &'a RequestContext,
    kind: GroupKind,
    named: &Named,
) -> Result<(GroupCall<'a>, Username), Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let Who::User { username, .. } = &identity.who else {
        return Err(Error::not_permitted("only a user token joins or leaves").into());
    };
    let name = Username::parse(username)?;
    let id = path_id(gateway, &caller, kind, id_of(named)).await?;
    Ok((GroupCall { gateway, context, identity, caller, kind, id, segment: String::new() }, name))
}

async fn is_joined(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    let (name, user) = call.member().await?;
    call.identity.check_may_name(&name)?;
    let membership = membership(call.gateway, &call.caller, user, call.id).await?;
    let joined = membership.is_some_and(|membership| membership.role.is_some());
    Ok(codec::is_joined(&call.call(), call.timing(), joined))
}
