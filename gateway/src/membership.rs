//! The directory's data on groups and their members.

use std::collections::HashSet;

use tidings_domain::{Actor, Caller, ConversationId, Error, Membership, MsgId, UnixMillis, UserId};
use tidings_proto::internal;
use tidings_runtime::context;

use crate::{Gateway, reply::refused};

/// What a user may do in a group; `None` when there is no such group. Queried with the gateway's own authority, not the
/// caller's.
pub(crate) async fn membership(
    gateway: &Gateway,
    caller: &Caller,
    user: UserId,
    group: i64,
) -> Result<Option<Membership>, Error> {
    let request = internal::MembershipsRequest { user_id: Some(user.0), group_ids: vec![group] };
    let gateway_itself = Caller { actor: Actor::App, ..caller.clone() };
    let reply =
        gateway.clients().directory_internal.clone().memberships(context::request(&gateway_itself, request)).await;
    let found = reply.map_err(refused)?.into_inner().memberships.into_iter().next();
    found.map(TryInto::try_into).transpose()
}

/// The conversation of the group or room `id`, if there is one.
pub(crate) async fn of_group(gateway: &Gateway, caller: &Caller, id: i64) -> Result<Option<ConversationId>, Error> {
    gateway.group_ids().group(caller, id, membership(gateway, caller, UserId::ADMIN, id)).await
}

/// Those of the groups and rooms whose members see what was said before they joined.
pub(crate) async fn with_open_history(
    gateway: &Gateway,
    caller: &Caller,
    group_ids: Vec<i64>,
) -> Result<HashSet<i64>, Error> {
    let request = internal::MembershipsRequest { user_id: Some(UserId::ADMIN.0), group_ids };
    let reply = gateway.clients().directory_internal.clone().memberships(context::request(caller, request)).await;
    let found = reply.map_err(refused)?.into_inner().memberships.into_iter();
    Ok(found.filter(|group| group.history_visible).map(|group| group.group_id).collect())
}

/// The groups, rooms and threads that a user is in, each with the place in its history where they joined. Of threads members
/// see everything. Queried with the gateway's own authority.
pub(crate) async fn all_of(gateway: &Gateway, caller: &Caller, user: UserId) -> Result<Vec<(i64, MsgId)>, Error> {
    let request = internal::UserPlacesRequest { user_id: Some(user.0), with_contacts: false };
    let gateway_itself = Caller { actor: Actor::App, ..caller.clone() };
    let reply =
        gateway.clients().directory_internal.clone().user_places(context::request(&gateway_itself, request)).await;
    let places = reply.map_err(refused)?.into_inner().places.into_iter();
    let joined = |it: internal::UserPlace| {
        (it.group_id, if it.is_thread { MsgId::ZERO } else { MsgId::before(UnixMillis(it.joined_at_ms)) })
    };
    Ok(places.map(joined).collect())
}
