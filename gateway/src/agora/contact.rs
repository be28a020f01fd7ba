//! `/{org}/{app}/users/{username}/contacts` (agora.md 10.2).

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use tidings_dialects::agora::{self as codec, Contact, ImportedContacts, Refusal};
use tidings_domain::{Actor, Caller, Error, Reason, UserRef, Username};
use tidings_proto::pb;
use tidings_runtime::context;

use super::{
    context::RequestContext,
    people::{self, Named, path_user},
    users::shown,
};
use crate::{Gateway, field_names::renamed, identity::Identity, reply};

/// The path's `{org}`, `{app}`, `{username}` and the other user.
pub(super) type OfUser = Result<Path<(String, String, String, String)>, PathRejection>;

/// The fields of the directory's calls by their names here.
const NAMES: &[(&str, &str)] =
    &[("blocked_ids", "usernames"), ("contact_id", "username"), ("from_id", "username"), ("text", "reason")];

pub(super) fn refused(status: tonic::Status) -> Error {
    renamed(reply::refused(status), NAMES)
}

/// Contacts read at once for a call without a page.
const BATCH: i32 = 1_000;

pub(crate) async fn add(State(gateway): State<Gateway>, context: RequestContext, path: OfUser) -> Response {
    let outcome = added(&gateway, &context, path).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn remove(State(gateway): State<Gateway>, context: RequestContext, path: OfUser) -> Response {
    let outcome = removed(&gateway, &context, path).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn set_remark(
    State(gateway): State<Gateway>,
    context: RequestContext,
    path: OfUser,
    body: Body,
) -> Response {
    let outcome = remarked(&gateway, &context, path, body).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn all(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = listed(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn page(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = one_page(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn import(
    State(gateway): State<Gateway>,
    context: RequestContext,
    named: Named,
    body: Body,
) -> Response {
    let outcome = imported(&gateway, &context, named, body).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn apply(
    State(gateway): State<Gateway>,
    context: RequestContext,
    named: Named,
    body: Body,
) -> Response {
    let outcome = request_each(&gateway, &context, named, body).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn accept(State(gateway): State<Gateway>, context: RequestContext, path: OfUser) -> Response {
    let outcome = decided(&gateway, &context, path, true).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn decline(State(gateway): State<Gateway>, context: RequestContext, path: OfUser) -> Response {
    let outcome = decided(&gateway, &context, path, false).await;
    context.answer(&gateway, outcome).await
}

/// The caller of a call on the data of the first user of the path, and both users. An invalid name is reported as a user who
/// does not exist.
async fn own_pair(
    gateway: &Gateway,
    context: &RequestContext,
    path: OfUser,
) -> Result<(Arc<Identity>, Caller, Username, Username), Refusal> {
    let (user, other) = match path {
        Ok(Path((_, _, user, other))) => (parsed(&user), parsed(&other)),
        Err(_) => (Err(Error::user_not_found("")), Err(Error::user_not_found(""))),
    };
    let (identity, caller, user) = people::own(gateway, context, user).await?;
    Ok((identity, caller, user, other?))
}

/// A name of the path.
pub(super) fn parsed(name: &str) -> Result<Username, Error> {
    Username::parse(name).map_err(|_| Error::user_not_found(name))
}

/// The users in the order of the request; the first that was never mentioned is an error.
pub(super) async fn found(gateway: &Gateway, caller: &Caller, names: &[&Username]) -> Result<Vec<pb::User>, Error> {
    let users = names.iter().map(|name| UserRef::Name((*name).clone()).into()).collect();
    let request = pb::ResolveUsersRequest { users, intern_unknown: false, or_deleted: false };
    let reply = gateway.clients().directory.clone().resolve_users(context::request(caller, request)).await;
    Ok(reply.map_err(refused)?.into_inner().users)
}

async fn pair(gateway: &Gateway, caller: &Caller, user: &Username, other: &Username) -> Result<(i64, pb::User), Error> {
    let mut found = found(gateway, caller, &[user, other]).await?;
    match (found.pop(), found.pop()) {
        (Some(other), Some(user)) => Ok((user.id, other)),
        _ => Err(Error::internal("the directory returned fewer users than requested")),
    }
}

/// The app adds contacts directly; a user sends a request, and the other user decides.
async fn added(gateway: &Gateway, context: &RequestContext, path: OfUser) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, user, other) = own_pair(gateway, context, path).await?;
    let (user, other) = pair(gateway, &caller, &user, &other).await?;
    let mut directory = gateway.clients().directory.clone();
    match caller.actor {
        Actor::App => {
            let request = pb::AddContactRequest { user_id: Some(user), contact_id: other.id };
            directory.add_contact(context::request(&caller, request)).await.map_err(refused)?;
        }
        Actor::User(_) => {
            let request = pb::RequestContactRequest { user_id: Some(user), contact_id: other.id, ..Default::default() };
            match directory.request_contact(context::request(&caller, request)).await.map_err(refused) {
                Err(error) if error.reason() != Reason::AlreadyContact => return Err(error.into()),
                _ => {}
            }
        }
    }
    Ok(codec::related(&context.call(&identity.app), context.timing(gateway), &[shown(&other)]))
}

async fn removed(gateway: &Gateway, context: &RequestContext, path: OfUser) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, user, other) = own_pair(gateway, context, path).await?;
    let (user, other) = pair(gateway, &caller, &user, &other).await?;
    let request = pb::RemoveContactRequest { user_id: Some(user), contact_id: other.id };
    let request = context::request(&caller, request);
    gateway.clients().directory.clone().remove_contact(request).await.map_err(refused)?;
    Ok(codec::related(&context.call(&identity.app), context.timing(gateway), &[shown(&other)]))
}

async fn remarked(gateway: &Gateway, context: &RequestContext, path: OfUser, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, user, other) = own_pair(gateway, context, path).await?;
    let remark = codec::remark(&context.read(body).await?)?;
    let (user, other) = pair(gateway, &caller, &user, &other).await?;
    let request = pb::UpdateContactRequest {
        user_id: Some(user),
        contact_id: other.id,
        remark: Some(remark),
        ..Default::default()
    };
    let request = context::request(&caller, request);
    let reply = gateway.clients().directory.clone().update_contact(request).await;
    reply.map_err(refused).map_err(|error| codec::remark_refusal(&error))?;
    Ok(codec::contact_changed(&context.call(&identity.app), context.timing(gateway)))
}

async fn list(
    gateway: &Gateway,
    caller: &Caller,
    user: i64,
    page: (i32, String),
) -> Result<pb::ListContactsResponse, Error> {
    let request = pb::ListContactsRequest { user_id: Some(user), page_size: page.0, page_token: page.1 };
    let reply = gateway.clients().directory.clone().list_contacts(context::request(caller, request)).await;
    let mut page = reply.map_err(refused)?.into_inner();
    // Users without a name are shown by their ids, as everywhere in this dialect.
    for contact in page.contacts.iter_mut().filter(|contact| contact.username.is_empty()) {
        contact.username = contact.user_id.to_string();
    }
    Ok(page)
}

fn contacts(found: &[pb::Contact]) -> Vec<Contact<'_>> {
    found.iter().map(|contact| Contact { username: &contact.username, remark: &contact.remark }).collect()
}

/// All at once, as the vendor has it: the policy bounds how many there are.
async fn listed(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, user) = people::own(gateway, context, path_user(named)).await?;
    let user = known_user(gateway, &caller, &user).await?;
    let (mut found, mut from) = (Vec::new(), String::new());
    loop {
        let page = list(gateway, &caller, user, (BATCH, from)).await?;
        found.extend(page.contacts);
        from = page.next_page_token;
        if from.is_empty() {
            break;
        }
    }
    let (call, remarks) = (context.call(&identity.app), codec::wants_remarks(&context.query));
    Ok(codec::all_contacts(&call, context.timing(gateway), &contacts(&found), remarks))
}

async fn one_page(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, user) = people::own(gateway, context, path_user(named)).await?;
    let query = codec::contact_page(&context.query)?;
    let user = known_user(gateway, &caller, &user).await?;
    let page = list(gateway, &caller, user, (query.size, query.cursor)).await?;
    let cursor = Some(page.next_page_token.as_str()).filter(|cursor| !cursor.is_empty());
    let call = context.call(&identity.app);
    Ok(codec::some_contacts(&call, context.timing(gateway), &contacts(&page.contacts), query.remarks, cursor))
}

/// The id of the user whose list it is.
pub(super) async fn known_user(gateway: &Gateway, caller: &Caller, user: &Username) -> Result<i64, Error> {
    let found = found(gateway, caller, &[user]).await?;
    found.first().map(|found| found.id).ok_or_else(|| Error::user_not_found(user.written()))
}

async fn imported(gateway: &Gateway, context: &RequestContext, named: Named, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let user = path_user(named)?;
    let names = codec::import_names(&context.read(body).await?)?;
    let user = known_user(gateway, &caller, &user).await?;
    let contacts = names.iter().map(|name| UserRef::Name(name.clone()).into()).collect();
    let request = context::request(&caller, pb::ImportContactsRequest { user_id: Some(user), contacts });
    let reply = gateway.clients().directory.clone().import_contacts(request).await.map_err(refused)?.into_inner();
    let mut outcome = ImportedContacts::default();
    for result in reply.results {
        let list = match Reason::from_name(&result.reason) {
            None => &mut outcome.added,
            Some(Reason::UserNotFound) => &mut outcome.missing,
            Some(Reason::ContactsFull) => &mut outcome.full,
            Some(_) => &mut outcome.failed,
        };
        if let Some(UserRef::Name(name)) = result.contact.map(TryInto::try_into).transpose()? {
            list.push(name.folded().to_owned());
        }
    }
    Ok(codec::contacts_imported(&context.call(&identity.app), context.timing(gateway), &outcome))
}

/// Sends each user a request; the call fails with the reason of the first failure if no request was sent.
async fn request_each(
    gateway: &Gateway,
    context: &RequestContext,
    named: Named,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, user) = people::own(gateway, context, path_user(named)).await?;
    let (names, text) = codec::contact_request(&context.read(body).await?)?;
    let all: Vec<&Username> = [&user].into_iter().chain(&names).collect();
    let mut ids = found(gateway, &caller, &all).await?.into_iter().map(|found| found.id);
    let user = ids.next();
    let (mut done, mut first_error) = (Vec::with_capacity(names.len()), None);
    for (name, contact_id) in names.iter().zip(ids) {
        let request =
            pb::RequestContactRequest { user_id: user, contact_id, text: text.clone(), remark: String::new() };
        let request = context::request(&caller, request);
        match gateway.clients().directory.clone().request_contact(request).await.map_err(refused) {
            Ok(_) => done.push(name.folded().to_owned()),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    match first_error {
        Some(error) if done.is_empty() || error.reason().is_transient() => Err(error.into()),
        _ => Ok(codec::contacts_requested(&context.call(&identity.app), context.timing(gateway), &done)),
    }
}

async fn decided(gateway: &Gateway, context: &RequestContext, path: OfUser, accept: bool) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, user, from) = own_pair(gateway, context, path).await?;
    let (user, from) = pair(gateway, &caller, &user, &from).await?;
    let request = pb::DecideContactRequest { user_id: Some(user), from_id: from.id, accept };
    let request = context::request(&caller, request);
    gateway.clients().directory.clone().decide_contact(request).await.map_err(refused)?;
    Ok(codec::contact_changed(&context.call(&identity.app), context.timing(gateway)))
}
