//! Announcements of groups (lanying.md 10).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::lanying::{self as codec, Params, Refusal};
use tidings_proto::{moment_or_zero, pb};
use tidings_runtime::context;

use super::context::RequestContext;
use crate::{Gateway, reply::refused};

/// Announcements per request to the directory.
const BATCH: i32 = 1_000;

/// `GET /group/announcement`
pub(crate) async fn get(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, one(&gateway, &context).await).await
}

async fn one(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let params = Params::read(&context.query, b"")?;
    let request = pb::GetAnnouncementRequest { group_id: params.group()?, id: params.announcement()? };
    let reply = gateway.clients().group.clone().get_announcement(context::request(&caller, request)).await;
    Ok(codec::data(shown(&reply.map_err(refused)?.into_inner())))
}

fn shown(announcement: &pb::Announcement) -> codec::GroupAnnouncement<'_> {
    codec::GroupAnnouncement {
        id: announcement.id,
        group_id: announcement.group_id,
        author: announcement.author_id,
        title: &announcement.title,
        content: &announcement.text,
        created_at: moment_or_zero(announcement.made_at).0,
    }
}

/// `GET /group/announcement/list`: newest first.
pub(crate) async fn list(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, all(&gateway, &context).await).await
}

async fn all(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let group_id = Params::read(&context.query, b"")?.group()?;
    let request = pb::ListAnnouncementsRequest { group_id, page_size: BATCH, page_token: String::new() };
    let reply = gateway.clients().group.clone().list_announcements(context::request(&caller, request)).await;
    // A group keeps fewer than fit on a page.
    let announcements = reply.map_err(refused)?.into_inner().announcements;
    Ok(codec::data(announcements.iter().map(shown).collect::<Vec<_>>()))
}

/// `POST` and `PUT /group/announcement/edit`: the group has another announcement.
pub(crate) async fn edit(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, announce(&gateway, &context, body).await).await
}

async fn announce(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let params = context.params(body).await?;
    let (title, text) = params.new_announcement()?;
    let request = pb::SetAnnouncementRequest { group_id: params.group()?, title, text };
    let reply = gateway.clients().group.clone().set_announcement(context::request(&caller, request)).await;
    Ok(codec::data(shown(&reply.map_err(refused)?.into_inner())))
}

/// `POST` and `DELETE /group/announcement/delete`
pub(crate) async fn delete(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, remove(&gateway, &context, body).await).await
}

async fn remove(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let params = context.params(body).await?;
    let request = pb::DeleteAnnouncementRequest { group_id: params.group()?, id: params.announcement()? };
    gateway.clients().group.clone().delete_announcement(context::request(&caller, request)).await.map_err(refused)?;
    Ok(codec::done())
}
