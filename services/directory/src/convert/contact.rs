//! Contacts on the wire.

use tidings_domain::{Error, UserId};
use tidings_proto::{page_start, page_token, pb, timestamp};

use crate::{
    app::Imported,
    convert::size,
    model::contact::{
        Contact, ContactChange, ContactProfile, ContactRequest, NewContactRequest, REQUEST_LIFETIME, Relation,
    },
};

/// The id above which a page starts, and its size.
pub(crate) fn page(page_size: i32, token: &str) -> Result<(i64, i64), Error> {
    Ok((page_start(token)?, size(page_size, 100)?))
}

/// The token of the page after the one that ends with `last`.
pub(crate) fn next_page_token(last: Option<UserId>) -> String {
    page_token(last.map_or(0, |last| last.0))
}

/// Users by their ids.
pub(crate) fn users(ids: &[i64]) -> Vec<UserId> {
    ids.iter().copied().map(UserId).collect()
}

/// Requester, receiver and text of a request.
pub(crate) fn new_contact_request(wire: pb::RequestContactRequest) -> (Option<i64>, UserId, NewContactRequest) {
    (wire.user_id, UserId(wire.contact_id), NewContactRequest { text: wire.text, remark: wire.remark })
}

/// The user, the contact and the change.
pub(crate) fn change(wire: pb::UpdateContactRequest) -> (Option<i64>, UserId, ContactChange) {
    let change = ContactChange { remark: wire.remark, ext: wire.ext, mute_notification: wire.mute_notification };
    (wire.user_id, UserId(wire.contact_id), change)
}

pub(crate) fn contact(contact: Contact) -> pb::Contact {
    pb::Contact {
        user_id: contact.user.0,
        username: contact.username,
        remark: contact.remark,
        ext: contact.ext,
        mute_notification: contact.mute_notification,
        added_at: Some(timestamp(contact.added_at)),
    }
}

pub(crate) fn contact_request(request: ContactRequest) -> pb::ContactRequest {
    pb::ContactRequest {
        from_id: request.from.0,
        username: request.username,
        text: request.text,
        made_at: Some(timestamp(request.made_at)),
        expires_at: Some(timestamp(request.made_at + REQUEST_LIFETIME)),
    }
}

pub(crate) fn profile(found: ContactProfile) -> pb::ContactProfile {
    let relation = match found.relation {
        Relation::Contact => pb::Relation::Contact,
        Relation::Stranger => pb::Relation::Stranger,
        Relation::Blocked => pb::Relation::Blocked,
    };
    pb::ContactProfile {
        contact: Some(contact(found.contact)),
        relation: relation.into(),
        nickname: found.nickname,
        avatar: found.avatar,
        description: found.description,
        public_info: found.public_info,
    }
}

pub(crate) fn imported((contact, user, outcome): Imported) -> pb::ImportedContact {
    let reason = outcome.err().map_or_else(String::new, |error| error.reason().words().name.to_owned());
    pb::ImportedContact { user_id: user.0, contact: Some(contact.into()), reason }
}
