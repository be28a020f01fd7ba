//! Groups and rooms themselves: creating, showing, changing, ending (lanying.md 10).

use axum::{
    body::Body,
    extract::State,
    response::Response,
    routing::{MethodRouter, post},
};
use tidings_dialects::lanying::{self as codec, Approval, GroupType, Params, Refusal};
use tidings_domain::{Caller, Error, Mute, Reason};
use tidings_proto::{moment_or_zero, mute_end, mute_or_none, page_start, page_token, pb, required};
use tidings_runtime::context;

use super::context::RequestContext;
use crate::{Gateway, reply::refused};

pub(crate) async fn create(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, make(&gateway, &context, body).await).await
}

/// The listed users join at once.
async fn make(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let new = context.params(body).await?.new_group()?;
    let kind = if new.kind == GroupType::Room { pb::GroupKind::Room } else { pb::GroupKind::Group };
    let settings = pb::GroupSettings { public: Some(new.kind == GroupType::Public), ..Default::default() };
    let request = pb::CreateGroupRequest {
        kind: kind.into(),
        owner_id: None,
        name: new.name,
        description: new.description,
        avatar: new.avatar,
        member_ids: new.members,
        settings: Some(settings),
        needs_super_admin: false,
    };
    let request = context::request(&caller, request);
    let group = gateway.clients().group.clone().create_group(request).await.map_err(refused)?.into_inner();
    Ok(codec::data(shown(&group)?))
}

pub(crate) async fn info(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, show(&gateway, &context).await).await
}

async fn show(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let group = Params::read(&context.query, b"")?.group()?;
    let found = find(gateway, &caller, vec![group]).await?;
    let found = found.first().ok_or_else(|| Error::new(Reason::GroupNotFound, group.to_string()))?;
    Ok(codec::data(shown(found)?))
}

pub(crate) async fn info_batch(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, show_all(&gateway, &context, body).await).await
}

async fn show_all(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let groups = context.params(body).await?.groups()?;
    let mut found = Vec::with_capacity(groups.len());
    for hundred in groups.chunks(100) {
        found.append(&mut find(gateway, &caller, hundred.to_vec()).await?);
    }
    Ok(codec::data(found.iter().map(shown).collect::<Result<Vec<_>, _>>()?))
}

/// `GET /group/public_list`
pub(crate) async fn public_list(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, show_public(&gateway, &context).await).await
}

async fn show_public(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let part = Params::read(&context.query, b"")?.part()?;
    let request = pb::ListGroupsRequest {
        kind: pb::GroupKind::Group.into(),
        page_size: part.limit,
        page_token: page_token(part.after),
        public_only: true,
        skip: 0,
    };
    let reply = gateway.clients().group.clone().list_groups(context::request(&caller, request)).await;
    let page = reply.map_err(refused)?.into_inner();
    let listed = page.groups.iter().map(shown).collect::<Result<Vec<_>, _>>()?;
    Ok(codec::page(listed, page_start(&page.next_page_token)?, None))
}

async fn find(gateway: &Gateway, caller: &Caller, group_ids: Vec<i64>) -> Result<Vec<pb::Group>, Error> {
    let request = context::request(caller, pb::GetGroupsRequest { group_ids });
    Ok(gateway.clients().group.clone().get_groups(request).await.map_err(refused)?.into_inner().groups)
}

fn shown(group: &pb::Group) -> Result<codec::GroupInfo<'_>, Error> {
    let settings = required("group.settings", group.settings.as_ref())?;
    Ok(codec::GroupInfo {
        group_id: group.id,
        owner_id: group.owner_id,
        name: &group.name,
        kind: GroupType::of(group.kind().into(), settings.public()),
        enabled: group.enabled,
        description: &group.description,
        avatar: &group.avatar,
        ext: settings.custom(),
        created_at: moment_or_zero(group.created_at).0,
        updated_at: moment_or_zero(group.updated_at).0,
        member_count: group.member_count,
        capacity: settings.max_members(),
        member_invite: settings.member_invite(),
        member_modify: settings.member_modify(),
        apply_approval: match settings.apply_approval() {
            pb::ApplyApproval::All => Approval::All,
            pb::ApplyApproval::Unspecified | pb::ApplyApproval::Ask => Approval::Ask,
            pb::ApplyApproval::None => Approval::Nobody,
        },
        read_ack: settings.read_ack(),
        history_visible: settings.history_visible(),
        ban_expire_time: mute_or_none(settings.mute_all_until).millis(),
    })
}

pub(crate) async fn destroy(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, end(&gateway, &context, body).await).await
}

async fn end(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let group_id = context.params(body).await?.group()?;
    let request = context::request(&caller, pb::DestroyGroupRequest { group_id });
    gateway.clients().group.clone().destroy_group(request).await.map_err(refused)?;
    Ok(codec::done())
}

pub(crate) async fn transfer(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, give(&gateway, &context, body).await).await
}

async fn give(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let params = context.params(body).await?;
    let request = pb::TransferGroupRequest { group_id: params.group()?, new_owner_id: params.new_owner()? };
    let request = context::request(&caller, request);
    gateway.clients().group.clone().transfer_group(request).await.map_err(refused)?;
    Ok(codec::done())
}

/// The field changed by one of the calls on a group's information or settings.
pub(crate) type Change = fn(&Params, &Gateway, &mut pb::UpdateGroupRequest) -> Result<(), Refusal>;

/// A call that makes one change.
pub(crate) fn changes(what: Change) -> MethodRouter<Gateway> {
    let handler = move |State(gateway): State<Gateway>, context: RequestContext, body: Body| async move {
        context.answer(&gateway, change(&gateway, &context, body, what).await).await
    };
    post(handler).put(handler)
}

async fn change(gateway: &Gateway, context: &RequestContext, body: Body, what: Change) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let params = context.params(body).await?;
    let mut request = pb::UpdateGroupRequest {
        group_id: params.group()?,
        settings: Some(pb::GroupSettings::default()),
        ..Default::default()
    };
    what(&params, gateway, &mut request)?;
    gateway.clients().group.clone().update_group(context::request(&caller, request)).await.map_err(refused)?;
    Ok(codec::done())
}

pub(crate) const NAME: Change = |params, _, request| {
    request.name = Some(params.value_text()?);
    Ok(())
};
pub(crate) const DESCRIPTION: Change = |params, _, request| {
    request.description = Some(params.value_text()?);
    Ok(())
};
pub(crate) const AVATAR: Change = |params, _, request| {
    request.avatar = Some(params.value_text()?);
    Ok(())
};
pub(crate) const EXT: Change = |params, _, request| {
    settings(request).custom = Some(params.value_text()?);
    Ok(())
};
pub(crate) const MEMBER_INVITE: Change = |params, _, request| {
    settings(request).member_invite = Some(params.value_flag()?);
    Ok(())
};
pub(crate) const MEMBER_MODIFY: Change = |params, _, request| {
    settings(request).member_modify = Some(params.value_flag()?);
    Ok(())
};
pub(crate) const READ_ACK: Change = |params, _, request| {
    settings(request).read_ack = Some(params.value_flag()?);
    Ok(())
};
pub(crate) const HISTORY_VISIBLE: Change = |params, _, request| {
    settings(request).history_visible = Some(params.value_flag()?);
    Ok(())
};
pub(crate) const APPLY_APPROVAL: Change = |params, _, request| {
    settings(request).set_apply_approval(match params.apply_approval()? {
        Approval::All => pb::ApplyApproval::All,
        Approval::Ask => pb::ApplyApproval::Ask,
        Approval::Nobody => pb::ApplyApproval::None,
    });
    Ok(())
};
pub(crate) const BAN_ALL: Change = |params, gateway, request| {
    settings(request).mute_all_until = Some(mute_end(params.mute(gateway.now())?));
    Ok(())
};
pub(crate) const UNBAN_ALL: Change = |_, _, request| {
    settings(request).mute_all_until = Some(mute_end(Mute::No));
    Ok(())
};

fn settings(request: &mut pb::UpdateGroupRequest) -> &mut pb::GroupSettings {
    request.settings.get_or_insert_default()
}
