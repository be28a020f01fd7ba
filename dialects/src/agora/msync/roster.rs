//! What happens between contacts, as they are notified of it.

use prost::Message as _;
use tidings_domain::{Change, UserId};

use super::{
    changed::Changed,
    events::id_of,
    pb::{Meta, RosterBody, meta::NameSpace, roster_body::Operation},
};

/// The notices for one of the two; `from` is the other one.
pub(super) fn roster(changed: &Changed<'_>, user: UserId) -> Vec<Meta> {
    let notice = match changed.change {
        Change::ContactRequested { user: asked, from, text } if *asked == user => {
            (Operation::Add, *from, text.as_str())
        }
        Change::ContactDeclined { user: asked, from } if *from == user => (Operation::RemoteDecline, *asked, ""),
        Change::ContactAdded { user: adder, contact, accepted: true } if *contact == user => {
            (Operation::RemoteAccept, *adder, "")
        }
        Change::ContactAdded { user: one, contact: other, .. } => {
            (Operation::Accept, if *one == user { *other } else { *one }, "")
        }
        Change::ContactRemoved { user: one, contact: other } => {
            (Operation::Remove, if *one == user { *other } else { *one }, "")
        }
        Change::UserBlocked { user: owner, blocked, is_blocked } if *owner == user => {
            (if *is_blocked { Operation::Ban } else { Operation::Allow }, *blocked, "")
        }
        _ => return vec![],
    };
    vec![meta(changed, user, notice)]
}

fn meta(changed: &Changed<'_>, user: UserId, (operation, from, reason): (Operation, UserId, &str)) -> Meta {
    let (from, to) = (changed.user(from), changed.user(user));
    let body = RosterBody {
        operation: Some(operation.into()),
        from: Some(from.clone()),
        to: vec![to.clone()],
        reason: Some(reason.to_owned()),
        ..RosterBody::default()
    };
    Meta {
        id: Some(id_of(changed.id)),
        from: Some(from),
        to: Some(to),
        timestamp: Some(changed.at.0 as u64),
        ns: Some(NameSpace::Roster.into()),
        payload: Some(body.encode_to_vec()),
        ..Meta::default()
    }
}
