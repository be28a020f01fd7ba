//! The calls about contacts, without their status.

use tidings_domain::{Error, UserId};
use tidings_proto::pb;
use tonic::Request;

use crate::{
    Directory,
    convert::contact::{
        change, contact, contact_request, imported, new_contact_request, next_page_token, page, profile, users,
    },
};

type Reply<T> = Result<T, Error>;

pub(super) async fn add(of: &Directory, request: Request<pb::AddContactRequest>) -> Reply<pb::AddContactResponse> {
    let caller = of.caller(&request).await?;
    let wire = request.into_inner();
    let changed = of.core.add_contact(&caller, wire.user_id, UserId(wire.contact_id)).await?;
    Ok(pb::AddContactResponse { changed })
}

pub(super) async fn import(
    of: &Directory,
    request: Request<pb::ImportContactsRequest>,
) -> Reply<pb::ImportContactsResponse> {
    let caller = of.caller(&request).await?;
    let wire = request.into_inner();
    let contacts = wire.contacts.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
    let outcomes = of.core.import_contacts(&caller, wire.user_id, contacts).await?;
    Ok(pb::ImportContactsResponse { results: outcomes.into_iter().map(imported).collect() })
}

pub(super) async fn request(
    of: &Directory,
    request: Request<pb::RequestContactRequest>,
) -> Reply<pb::RequestContactResponse> {
    let caller = of.caller(&request).await?;
    let wire = request.into_inner();
    let (user, other, request) = new_contact_request(wire);
    let added = of.core.request_contact(&caller, user, other, request).await?;
    Ok(pb::RequestContactResponse { added })
}

pub(super) async fn decide(
    of: &Directory,
    request: Request<pb::DecideContactRequest>,
) -> Reply<pb::DecideContactResponse> {
    let caller = of.caller(&request).await?;
    let wire = request.into_inner();
    of.core.decide_contact(&caller, wire.user_id, UserId(wire.from_id), wire.accept).await?;
    Ok(pb::DecideContactResponse {})
}

pub(super) async fn requests(
    of: &Directory,
    request: Request<pb::ListContactRequestsRequest>,
) -> Reply<pb::ListContactRequestsResponse> {
    let caller = of.caller(&request).await?;
    let wire = request.into_inner();
    let page = page(wire.page_size, &wire.page_token)?;
    let (requests, next) = of.core.list_contact_requests(&caller, wire.user_id, page).await?;
    let requests = requests.into_iter().map(contact_request).collect();
    Ok(pb::ListContactRequestsResponse { requests, next_page_token: next_page_token(next) })
}

pub(super) async fn remove(
    of: &Directory,
    request: Request<pb::RemoveContactRequest>,
) -> Reply<pb::RemoveContactResponse> {
    let caller = of.caller(&request).await?;
    let wire = request.into_inner();
    let changed = of.core.remove_contact(&caller, wire.user_id, UserId(wire.contact_id)).await?;
    Ok(pb::RemoveContactResponse { changed })
}

pub(super) async fn update(of: &Directory, request: Request<pb::UpdateContactRequest>) -> Reply<pb::Contact> {
    let caller = of.caller(&request).await?;
    let (user, other, change) = change(request.into_inner());
    of.core.update_contact(&caller, user, other, change).await.map(contact)
}

pub(super) async fn list(of: &Directory, request: Request<pb::ListContactsRequest>) -> Reply<pb::ListContactsResponse> {
    let caller = of.caller(&request).await?;
    let wire = request.into_inner();
    let page = page(wire.page_size, &wire.page_token)?;
    let (contacts, next) = of.core.list_contacts(&caller, wire.user_id, page).await?;
    let contacts = contacts.into_iter().map(contact).collect();
    Ok(pb::ListContactsResponse { contacts, next_page_token: next_page_token(next) })
}

pub(super) async fn get(of: &Directory, request: Request<pb::GetContactsRequest>) -> Reply<pb::GetContactsResponse> {
    let caller = of.caller(&request).await?;
    let wire = request.into_inner();
    let found = of.core.get_contacts(&caller, wire.user_id, &users(&wire.contact_ids)).await?;
    Ok(pb::GetContactsResponse { contacts: found.into_iter().map(profile).collect() })
}

pub(super) async fn block(of: &Directory, request: Request<pb::BlockUsersRequest>) -> Reply<pb::BlockUsersResponse> {
    let caller = of.caller(&request).await?;
    let wire = request.into_inner();
    let others = users(&wire.blocked_ids);
    let changed = of.core.block_users(&caller, wire.user_id, ("blocked_ids", &others), wire.blocked).await?;
    Ok(pb::BlockUsersResponse { changed_ids: changed.into_iter().map(|user| user.0).collect() })
}
