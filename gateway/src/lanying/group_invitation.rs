//! Invitations that wait for their user, and the names under which members are shown in a group (lanying.md 10).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::lanying::{self as codec, Params, Refusal};
use tidings_proto::pb;
use tidings_runtime::context;

use super::{context::RequestContext, member::member};
use crate::{Gateway, reply::refused};

/// `GET /group/invitation_list`
pub(crate) async fn list(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, page(&gateway, &context).await).await
}

async fn page(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let caller = context.user(gateway).await?;
    let (page_token, page_size) = Params::read(&context.query, b"")?.text_part()?;
    let request = pb::ListInvitationsRequest { user_id: None, page_size, page_token };
    let reply = gateway.clients().group.clone().list_invitations(context::request(&caller, request)).await;
    let page = reply.map_err(refused)?.into_inner();
    let shown = page.invitations.iter().map(|invitation| codec::GroupInvitation {
        group_id: invitation.group_id,
        inviter_id: invitation.inviter_id,
        invitee_id: caller.actor.user().0,
        reason: &invitation.text,
        status: 0,
    });
    Ok(codec::text_page(shown.collect::<Vec<_>>(), page.next_page_token))
}

/// `POST` and `PUT /group/invite/handle`. The parameter `user_id`, who invited, is not needed.
pub(crate) async fn handle(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, decide(&gateway, &context, body).await).await
}

async fn decide(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let caller = context.user(gateway).await?;
    let params = context.params(body).await?;
    let accept = params.approval()?;
    let request = pb::DecideInvitationRequest { group_id: params.group()?, user_id: None, accept };
    gateway.clients().group.clone().decide_invitation(context::request(&caller, request)).await.map_err(refused)?;
    Ok(codec::data(codec::MemberResult::success(caller.actor.user().0, "")))
}

/// `POST` and `PUT /group/display_name`
pub(crate) async fn set_display_name(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, change_name(&gateway, &context, body).await).await
}

async fn change_name(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let caller = context.user(gateway).await?;
    let params = context.params(body).await?;
    let request =
        pb::SetDisplayNameRequest { group_id: params.group()?, user_id: None, display_name: params.value_text()? };
    gateway.clients().group.clone().set_display_name(context::request(&caller, request)).await.map_err(refused)?;
    Ok(codec::done())
}

/// `POST /group/members/display_name`
pub(crate) async fn display_names(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, names(&gateway, &context, body).await).await
}

async fn names(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let params = context.params(body).await?;
    let request = pb::GetMembersRequest { group_id: params.group()?, user_ids: params.users()? };
    let reply = gateway.clients().group.clone().get_members(context::request(&caller, request)).await;
    let members = reply.map_err(refused)?.into_inner().members;
    Ok(codec::data(members.iter().map(member).collect::<Vec<_>>()))
}
