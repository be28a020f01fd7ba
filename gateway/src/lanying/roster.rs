//! Contacts and block lists of users (lanying.md 10).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::lanying::{
    self as codec, Params, Refusal, Roster, RosterApplication, RosterApply, RosterBatch, RosterFailure,
};
use tidings_domain::{Caller, Error, UserRef, Username};
use tidings_proto::{internal, moment_or_zero, page_start, page_token, pb};
use tidings_runtime::context;

use super::context::RequestContext;
use crate::{Gateway, field_names::renamed, reply};

/// The fields of the directory's calls by their names here.
const NAMES: &[(&str, &str)] = &[
    ("blocked_id", "user_id"),
    ("contact_id", "user_id"),
    ("contact_ids", "list"),
    ("from_id", "user_id"),
    ("text", "reason"),
    ("remark", "alias"),
];

fn refused(status: tonic::Status) -> Error {
    renamed(reply::refused(status), NAMES)
}

pub(crate) async fn block(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, set_blocked(&gateway, &context, body, true).await).await
}

pub(crate) async fn unblock(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, set_blocked(&gateway, &context, body, false).await).await
}

async fn set_blocked(
    gateway: &Gateway,
    context: &RequestContext,
    body: Body,
    blocked: bool,
) -> Result<Vec<u8>, Refusal> {
    let caller = context.user(gateway).await?;
    let blocked_id = context.params(body).await?.user()?;
    let request = context::request(&caller, pb::BlockUserRequest { user_id: None, blocked_id, blocked });
    gateway.clients().directory.clone().block_user(request).await.map_err(refused)?;
    Ok(codec::done())
}

pub(crate) async fn blocked_list(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, blocked_page(&gateway, &context).await).await
}

async fn blocked_page(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let caller = context.user(gateway).await?;
    let params = Params::read(&context.query, b"")?;
    let part = params.part()?;
    let request =
        pb::ListBlockedUsersRequest { user_id: None, page_size: part.limit, page_token: page_token(part.after) };
    let request = context::request(&caller, request);
    let reply = gateway.clients().directory.clone().list_blocked_users(request).await.map_err(refused)?.into_inner();
    Ok(codec::page(reply.user_ids, page_start(&reply.next_page_token)?, None))
}

pub(crate) async fn may_message(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, ask(&gateway, &context).await).await
}

/// Whether `user_id` may write to `roster_id`, as a send of theirs would be judged. Users may ask only for themselves.
async fn ask(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.caller(gateway).await?;
    let params = Params::read(&context.query, b"")?;
    let (user, roster) = params.roster()?;
    let contacts_only = identity.app.policy.friends_only;
    let request = internal::BlockedByRequest { user_id: Some(user), by_ids: vec![roster], contacts_only };
    let request = context::request(&caller, request);
    let reply = gateway.clients().directory_internal.clone().blocked_by(request).await.map_err(refused)?.into_inner();
    Ok(codec::flag(reply.by_ids.is_empty() && reply.stranger_ids.is_empty()))
}

pub(crate) async fn apply(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, ask_one(&gateway, &context, body).await).await
}

async fn ask_one(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let caller = context.user(gateway).await?;
    let params = context.params(body).await?.roster_apply()?;
    request(gateway, &caller, params).await?;
    Ok(codec::done())
}

async fn request(gateway: &Gateway, caller: &Caller, params: RosterApply) -> Result<(), Error> {
    let RosterApply { user_id: contact_id, reason: text, alias: remark } = params;
    let request = pb::RequestContactRequest { user_id: None, contact_id, text, remark };
    let request = context::request(caller, request);
    gateway.clients().directory.clone().request_contact(request).await.map_err(refused)?;
    Ok(())
}

pub(crate) async fn apply_batch(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, ask_each(&gateway, &context, body).await).await
}

/// One request each; users whose request failed are listed.
async fn ask_each(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let caller = context.user(gateway).await?;
    let params = codec::roster_applies(&context.read(body).await?)?;
    let mut batch = RosterBatch::default();
    for one in params {
        let user_id = one.user_id;
        match request(gateway, &caller, one).await {
            Ok(()) => batch.success.push(user_id),
            Err(error) if error.reason().is_transient() => return Err(error.into()),
            Err(error) => batch.fails.push(RosterFailure { reason: Refusal::from(error).message, user_id }),
        }
    }
    Ok(codec::data(batch))
}

pub(crate) async fn applications(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, waiting(&gateway, &context).await).await
}

async fn waiting(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let caller = context.user(gateway).await?;
    let part = Params::read(&context.query, b"")?.part()?;
    let request =
        pb::ListContactRequestsRequest { user_id: None, page_size: part.limit, page_token: page_token(part.after) };
    let request = context::request(&caller, request);
    let reply = gateway.clients().directory.clone().list_contact_requests(request).await.map_err(refused)?.into_inner();
    let applications = reply.requests.iter().map(|request| RosterApplication {
        user_id: request.from_id,
        reason: &request.text,
        status: 0,
        expired_time: moment_or_zero(request.expires_at).0,
    });
    Ok(codec::page(applications.collect::<Vec<_>>(), page_start(&reply.next_page_token)?, None))
}

pub(crate) async fn accept(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, decide(&gateway, &context, body, true).await).await
}

pub(crate) async fn decline(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, decide(&gateway, &context, body, false).await).await
}

async fn decide(gateway: &Gateway, context: &RequestContext, body: Body, accept: bool) -> Result<Vec<u8>, Refusal> {
    let caller = context.user(gateway).await?;
    let from_id = context.params(body).await?.user()?;
    let request = context::request(&caller, pb::DecideContactRequest { user_id: None, from_id, accept });
    gateway.clients().directory.clone().decide_contact(request).await.map_err(refused)?;
    Ok(codec::done())
}

pub(crate) async fn delete(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, remove(&gateway, &context, body).await).await
}

async fn remove(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let caller = context.user(gateway).await?;
    let contact_id = context.params(body).await?.user()?;
    let request = context::request(&caller, pb::RemoveContactRequest { user_id: None, contact_id });
    gateway.clients().directory.clone().remove_contact(request).await.map_err(refused)?;
    Ok(codec::done())
}

pub(crate) async fn set_ext(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, update(&gateway, &context, body).await).await
}

async fn update(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let caller = context.user(gateway).await?;
    let change = context.params(body).await?.roster_change()?;
    let request = pb::UpdateContactRequest {
        user_id: None,
        contact_id: change.user_id,
        remark: change.alias,
        ext: change.ext,
        mute_notification: change.mute_notification,
    };
    let request = context::request(&caller, request);
    gateway.clients().directory.clone().update_contact(request).await.map_err(refused)?;
    Ok(codec::done())
}

pub(crate) async fn list(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, page(&gateway, &context).await).await
}

async fn page(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let caller = context.user(gateway).await?;
    let part = Params::read(&context.query, b"")?.part()?;
    let request = pb::ListContactsRequest { user_id: None, page_size: part.limit, page_token: page_token(part.after) };
    let request = context::request(&caller, request);
    let reply = gateway.clients().directory.clone().list_contacts(request).await.map_err(refused)?.into_inner();
    let ids: Vec<i64> = reply.contacts.iter().map(|contact| contact.user_id).collect();
    Ok(codec::page(ids, page_start(&reply.next_page_token)?, None))
}

pub(crate) async fn details(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, details_of(&gateway, &context, body).await).await
}

async fn details_of(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let caller = context.user(gateway).await?;
    let ids = context.params(body).await?.roster_list()?;
    let found = relations(gateway, &caller, ids).await?;
    Ok(codec::data(found.iter().map(shown).collect::<Vec<_>>()))
}

async fn relations(gateway: &Gateway, caller: &Caller, ids: Vec<i64>) -> Result<Vec<pb::ContactProfile>, Error> {
    let request = context::request(caller, pb::GetContactsRequest { user_id: None, contact_ids: ids });
    Ok(gateway.clients().directory.clone().get_contacts(request).await.map_err(refused)?.into_inner().contacts)
}

pub(crate) async fn by_id(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, one(&gateway, &context, false).await).await
}

pub(crate) async fn by_name(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, one(&gateway, &context, true).await).await
}

/// The user of that id or name, whatever their relation to the user of the call.
async fn one(gateway: &Gateway, context: &RequestContext, named: bool) -> Result<Vec<u8>, Refusal> {
    let caller = context.user(gateway).await?;
    let params = Params::read(&context.query, b"")?;
    let id = if named { id_of(gateway, &caller, &params.username()?).await? } else { params.user()? };
    let found = relations(gateway, &caller, vec![id]).await?;
    let found = found.first().ok_or_else(|| Error::user_not_found(id.to_string()))?;
    Ok(codec::data(shown(found)))
}

async fn id_of(gateway: &Gateway, caller: &Caller, name: &str) -> Result<i64, Error> {
    let name = Username::parse(name).map_err(|_| Error::user_not_found(name))?;
    let request = pb::GetUserRequest { user: Some(UserRef::Name(name).into()) };
    let reply = gateway.clients().directory.clone().get_user(context::request(caller, request)).await;
    Ok(reply.map_err(refused)?.into_inner().id)
}

fn shown(found: &pb::ContactProfile) -> Roster<'_> {
    const NOBODY: &pb::Contact = &pb::Contact {
        user_id: 0,
        username: String::new(),
        remark: String::new(),
        ext: String::new(),
        mute_notification: false,
        added_at: None,
    };
    let contact = found.contact.as_ref().unwrap_or(NOBODY);
    Roster {
        user_id: contact.user_id,
        username: &contact.username,
        nick_name: &found.nickname,
        avatar: &found.avatar,
        description: &found.description,
        public_info: &found.public_info,
        alias: &contact.remark,
        ext: &contact.ext,
        mute_notification: contact.mute_notification,
        relation: match found.relation() {
            pb::Relation::Contact => 0,
            pb::Relation::Blocked => 3,
            pb::Relation::Stranger | pb::Relation::Unspecified => 2,
        },
    }
}
