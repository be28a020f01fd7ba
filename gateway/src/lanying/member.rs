//! Members of a group and their rights (lanying.md 10).

use axum::{
    body::Body,
    extract::State,
    response::Response,
    routing::{MethodRouter, post},
};
use tidings_dialects::lanying::{self as codec, Params, Part, Refusal};
use tidings_domain::{Caller, Error, Mute};
use tidings_proto::{moment_or_zero, mute_or_none, mute_to_wire, page_start, page_token, pb};
use tidings_runtime::context;
use tonic::{Response as Answer, Status};

use super::context::RequestContext;
use crate::{Gateway, reply::refused};

/// Maximum number of members read at once.
const PAGE: i32 = 1000;

/// An operation on a list of users, each of whom succeeds or fails independently.
#[derive(Debug, Clone, Copy)]
pub(crate) enum MemberAction {
    Invite,
    Kick,
    SetAdmin(bool),
    Ban,
    Unban,
    Block(bool),
}

/// A call that does it.
pub(crate) fn does(action: MemberAction) -> MethodRouter<Gateway> {
    let handler = move |State(gateway): State<Gateway>, context: RequestContext, body: Body| async move {
        context.answer(&gateway, act(&gateway, &context, body, action).await).await
    };
    match action {
        MemberAction::Kick | MemberAction::SetAdmin(false) | MemberAction::Block(false) => {
            post(handler).delete(handler)
        }
        MemberAction::Invite
        | MemberAction::SetAdmin(true)
        | MemberAction::Ban
        | MemberAction::Unban
        | MemberAction::Block(true) => post(handler),
    }
}

async fn act(
    gateway: &Gateway,
    context: &RequestContext,
    body: Body,
    action: MemberAction,
) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let params = context.params(body).await?;
    let (group_id, user_ids) = (params.group()?, params.users()?);
    let mut groups = gateway.clients().group.clone();
    let mute = |user_ids, until: Mute| {
        context::request(&caller, pb::MuteRequest { group_id, user_ids, until: mute_to_wire(until) })
    };
    results(match action {
        MemberAction::Invite => {
            return invite(gateway, &caller, group_id, user_ids, params.reason()?).await;
        }
        MemberAction::Kick => {
            groups.remove_members(context::request(&caller, pb::RemoveMembersRequest { group_id, user_ids })).await
        }
        MemberAction::SetAdmin(admin) => {
            groups.set_admins(context::request(&caller, pb::SetAdminsRequest { group_id, user_ids, admin })).await
        }
        MemberAction::Ban => groups.mute(mute(user_ids, params.mute(gateway.now())?)).await,
        MemberAction::Unban => groups.mute(mute(user_ids, Mute::No)).await,
        MemberAction::Block(blocked) => {
            groups
                .block_members(context::request(&caller, pb::BlockMembersRequest { group_id, user_ids, blocked }))
                .await
        }
    })
}

/// Users who must accept first are a success with a remark.
async fn invite(
    gateway: &Gateway,
    caller: &Caller,
    group_id: i64,
    user_ids: Vec<i64>,
    text: String,
) -> Result<Vec<u8>, Refusal> {
    let request = context::request(caller, pb::InviteMembersRequest { group_id, user_ids, text });
    let reply = gateway.clients().group.clone().invite_members(request).await.map_err(refused)?.into_inner();
    let shown = reply.results.iter().map(|one| {
        let waits = reply.waiting_ids.contains(&one.user_id);
        if waits { codec::MemberResult::success(one.user_id, "waits for the user") } else { result(one) }
    });
    Ok(codec::data(shown.collect::<Vec<_>>()))
}

fn results(reply: Result<Answer<pb::MembersResponse>, Status>) -> Result<Vec<u8>, Refusal> {
    let reply = reply.map_err(refused)?.into_inner();
    Ok(codec::data(reply.results.iter().map(result).collect::<Vec<_>>()))
}

fn result(result: &pb::MemberResult) -> codec::MemberResult<'_> {
    if result.reason.is_empty() {
        codec::MemberResult::success(result.user_id, "")
    } else {
        codec::MemberResult::fail(result.user_id, &result.text)
    }
}

pub(crate) async fn apply(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, ask_in(&gateway, &context, body).await).await
}

async fn ask_in(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let caller = context.user(gateway).await?;
    let params = context.params(body).await?;
    let request =
        pb::ApplyRequest { group_id: params.group()?, user_id: None, text: params.reason()?, ..Default::default() };
    let request = context::request(&caller, request);
    let joined = gateway.clients().group.clone().apply(request).await.map_err(refused)?.into_inner().joined;
    let remark = if joined { "" } else { "waits for an admin" };
    Ok(codec::data(codec::MemberResult::success(caller.actor.user().0, remark)))
}

pub(crate) async fn handle_application(
    State(gateway): State<Gateway>,
    context: RequestContext,
    body: Body,
) -> Response {
    context.answer(&gateway, decide(&gateway, &context, body).await).await
}

async fn decide(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let params = context.params(body).await?;
    let user_id = params.user()?;
    let accept = params.approval()?;
    let request = pb::DecideApplicationRequest { group_id: params.group()?, user_id, accept };
    let request = context::request(&caller, request);
    gateway.clients().group.clone().decide_application(request).await.map_err(refused)?;
    Ok(codec::data(codec::MemberResult::success(user_id, "")))
}

pub(crate) async fn applications(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, list_applications(&gateway, &context, body).await).await
}

async fn list_applications(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let params = context.params(body).await?;
    let page_size = params.part()?.limit;
    let mut waiting = Vec::new();
    for group_id in params.groups()? {
        let request =
            context::request(&caller, pb::ListApplicationsRequest { group_id, page_size, ..Default::default() });
        let reply = gateway.clients().group.clone().list_applications(request).await.map_err(refused)?;
        waiting.extend(reply.into_inner().applications.into_iter().map(|application| (group_id, application)));
    }
    let shown = waiting.iter().map(|(group_id, application)| codec::GroupApplication {
        group_id: *group_id,
        user_id: application.user_id,
        reason: &application.text,
        time: moment_or_zero(application.made_at).0,
    });
    Ok(codec::page(shown.collect::<Vec<_>>(), 0, Some(waiting.len() as i64)))
}

pub(crate) async fn leave(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, go(&gateway, &context, body).await).await
}

async fn go(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let caller = context.user(gateway).await?;
    let group_id = context.params(body).await?.group()?;
    let request = context::request(&caller, pb::LeaveRequest { group_id, user_id: None });
    gateway.clients().group.clone().leave(request).await.map_err(refused)?;
    Ok(codec::done())
}

pub(crate) async fn joined(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, list_joined(&gateway, &context).await).await
}

async fn list_joined(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let caller = context.user(gateway).await?;
    let (mut joined, mut page_token): (Vec<i64>, _) = (Vec::new(), String::new());
    loop {
        let kind = pb::GroupKind::Group.into();
        let request = pb::JoinedRequest { kind, page_token, ..Default::default() };
        let reply = gateway.clients().group.clone().joined(context::request(&caller, request)).await;
        let page = reply.map_err(refused)?.into_inner();
        joined.extend(page.memberships.iter().map(|membership| membership.group_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(codec::data(joined));
        }
    }
}

pub(crate) async fn members(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, list_members(&gateway, &context).await).await
}

pub(crate) async fn admins(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, list_all(&gateway, &context, pb::MemberFilter::Admins).await).await
}

pub(crate) async fn banned(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, list_all(&gateway, &context, pb::MemberFilter::Muted).await).await
}

/// One page, by cursor.
async fn list_members(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let params = Params::read(&context.query, b"")?;
    let part = params.part()?;
    let page = filtered(gateway, &caller, params.group()?, pb::MemberFilter::Unspecified, part).await?;
    let listed: Vec<_> = page.members.iter().map(member).collect();
    Ok(codec::page(listed, page_start(&page.next_page_token)?, Some(page.total.into())))
}

/// All members of that kind; these lists have no pages.
async fn list_all(gateway: &Gateway, context: &RequestContext, filter: pb::MemberFilter) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let group_id = Params::read(&context.query, b"")?.group()?;
    let mut found: Vec<pb::Member> = Vec::new();
    let mut after = 0;
    loop {
        let page = filtered(gateway, &caller, group_id, filter, Part { after, limit: PAGE }).await?;
        found.extend(page.members);
        after = page_start(&page.next_page_token)?;
        if after == 0 {
            return Ok(codec::page(found.iter().map(member).collect::<Vec<_>>(), 0, Some(found.len() as i64)));
        }
    }
}

async fn filtered(
    gateway: &Gateway,
    caller: &Caller,
    group_id: i64,
    filter: pb::MemberFilter,
    part: Part,
) -> Result<pb::ListMembersResponse, Error> {
    let request = pb::ListMembersRequest {
        group_id,
        page_size: part.limit,
        page_token: page_token(part.after),
        filter: filter.into(),
        ..Default::default()
    };
    let reply = gateway.clients().group.clone().list_members(context::request(caller, request)).await;
    Ok(reply.map_err(refused)?.into_inner())
}

pub(crate) async fn blocked(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, list_blocked(&gateway, &context).await).await
}

async fn list_blocked(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let params = Params::read(&context.query, b"")?;
    let part = params.part()?;
    let (group_id, page_token) = (params.group()?, page_token(part.after));
    let request = pb::ListBlockedRequest { group_id, page_size: part.limit, page_token };
    let reply = gateway.clients().group.clone().list_blocked(context::request(&caller, request)).await;
    let page = reply.map_err(refused)?.into_inner();
    let (listed, next) = (page.members.iter().map(member).collect::<Vec<_>>(), page_start(&page.next_page_token)?);
    Ok(codec::page(listed, next, Some(page.total.into())))
}

pub(super) fn member(member: &pb::Member) -> codec::GroupMember<'_> {
    codec::GroupMember {
        user_id: member.user_id,
        join_time: moment_or_zero(member.joined_at).0,
        display_name: if member.display_name.is_empty() { &member.username } else { &member.display_name },
        expired_time: mute_or_none(member.muted_until).millis(),
    }
}
