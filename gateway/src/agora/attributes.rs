//! Attributes of members and rooms: `/{org}/{app}/metadata/...` (agora.md 10.3, 10.4).

use axum::{
    body::Body,
    extract::State,
    routing::{MethodRouter, delete, get, post, put},
};
use tidings_dialects::agora::{self as codec, KeyFailure, Refusal};
use tidings_domain::{Caller, Error, GroupKind, Reason, UserId, Username};
use tidings_proto::pb;
use tidings_runtime::context;
use tonic::Status;

use super::{
    context::RequestContext,
    group_call::{OfGroup, handler, id_of, of_path, path_id},
    people::{self, Named},
};
use crate::{Gateway, reply::refused};

/// `/metadata/chatgroup/{id}/user/{username}`
pub(crate) fn of_member() -> MethodRouter<Gateway> {
    get(|State(gateway): State<Gateway>, context: RequestContext, path: OfGroup| async move {
        let outcome = read_member(&gateway, &context, path).await;
        context.answer(&gateway, outcome).await
    })
    .merge(put(|State(gateway): State<Gateway>, context: RequestContext, path: OfGroup, body: Body| async move {
        let outcome = set_member(&gateway, &context, path, body).await;
        context.answer(&gateway, outcome).await
    }))
}

/// `/metadata/chatgroup/{id}/get`
pub(crate) fn of_members() -> MethodRouter<Gateway> {
    let kind = GroupKind::Group;
    post(handler!(kind, read_members, named, body))
}

/// `/metadata/chatroom/{id}`
pub(crate) fn of_room() -> MethodRouter<Gateway> {
    let kind = GroupKind::Room;
    post(handler!(kind, read_room, named, body))
}

/// `/metadata/chatroom/{id}/user/{username}`, and the same with `/forced`.
pub(crate) fn of_room_as(forced: bool) -> MethodRouter<Gateway> {
    put(move |State(gateway): State<Gateway>, context: RequestContext, path: OfGroup, body: Body| async move {
        let outcome = set_room(&gateway, &context, path, body, forced).await;
        context.answer(&gateway, outcome).await
    })
    .merge(delete(
        move |State(gateway): State<Gateway>, context: RequestContext, path: OfGroup, body: Body| async move {
            let outcome = remove_room(&gateway, &context, path, body, forced).await;
            context.answer(&gateway, outcome).await
        },
    ))
}

/// The group or room and the user of the path.
async fn of_user(
    gateway: &Gateway,
    caller: &Caller,
    kind: GroupKind,
    path: OfGroup,
) -> Result<(i64, Username, UserId), Refusal> {
    let (id, name) = of_path(path)?;
    let group = path_id(gateway, caller, kind, &id).await?;
    let name = Username::parse(&name).map_err(|_| codec::unknown_user(&name))?;
    let users = people::existing_ids(gateway, caller, &[&name]).await?;
    let user = users.first().copied().ok_or_else(|| codec::unknown_user(name.written()))?;
    Ok((group, name, user))
}

async fn set_member(
    gateway: &Gateway,
    context: &RequestContext,
    path: OfGroup,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let pairs = codec::member_attributes_request(&context.read(body).await?)?;
    let (group_id, _, user) = of_user(gateway, &caller, GroupKind::Group, path).await?;
    let request =
        pb::SetMemberAttributesRequest { group_id, user_id: Some(user.0), attributes: wire_attributes(pairs.clone()) };
    let reply = gateway.clients().group.clone().set_member_attributes(context::request(&caller, request)).await;
    reply.map_err(|status| member_refusal(&caller, user, &refused(status)))?;
    // What was set, as the vendor answers.
    let set: codec::Pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    Ok(codec::attribute_map(&context.call(&identity.app), context.timing(gateway), &set))
}

/// The vendor's words for a user of the path who is not a member; a caller who is none gets those of every call.
fn member_refusal(caller: &Caller, user: UserId, error: &Error) -> Refusal {
    let is_caller = !caller.is_app() && error.about_user() == Some(caller.actor.user());
    if is_caller && caller.actor.user() != user { error.into() } else { codec::member_attributes_refusal(error) }
}

fn wire_attributes(pairs: codec::Pairs) -> Vec<pb::Attribute> {
    pairs.into_iter().map(|(name, value)| pb::Attribute { name, value }).collect()
}

fn pairs(attributes: Vec<pb::Attribute>) -> codec::Pairs {
    attributes.into_iter().map(|attribute| (attribute.name, attribute.value)).collect()
}

async fn read_member(gateway: &Gateway, context: &RequestContext, path: OfGroup) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let (group, _, user) = of_user(gateway, &caller, GroupKind::Group, path).await?;
    let found = find(gateway, &caller, group, vec![user], Vec::new()).await?;
    let Some((_, attributes)) = found.into_iter().next() else {
        return Err(codec::member_attributes_refusal(&Error::new(Reason::NotGroupMember, user.to_string())));
    };
    Ok(codec::attribute_map(&context.call(&identity.app), context.timing(gateway), &attributes))
}

async fn find(
    gateway: &Gateway,
    caller: &Caller,
    group_id: i64,
    users: Vec<UserId>,
    names: Vec<String>,
) -> Result<Vec<(UserId, codec::Pairs)>, Error> {
    let user_ids = users.iter().map(|user| user.0).collect();
    let request = pb::GetMemberAttributesRequest { group_id, user_ids, names };
    let reply = gateway.clients().group.clone().get_member_attributes(context::request(caller, request)).await;
    let members = reply.map_err(refused)?.into_inner().members;
    Ok(members.into_iter().map(|member| (UserId(member.user_id), pairs(member.attributes))).collect())
}

/// Users who are not members, or do not exist, are left out.
async fn read_members(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let (targets, names) = codec::members_of_request(&context.read(body).await?)?;
    let group = path_id(gateway, &caller, kind, id_of(&named)).await?;
    let mut users = Vec::with_capacity(targets.len());
    for name in &targets {
        match people::id(gateway, &caller, name).await {
            Ok(user) => users.push((user, name.folded().to_owned())),
            Err(error) if error.reason() == Reason::UserNotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    let ids: Vec<UserId> = users.iter().map(|(user, _)| *user).collect();
    // Even for an empty list, since the caller must be a member.
    let ids = if ids.is_empty() { vec![UserId::ADMIN] } else { ids };
    let found = find(gateway, &caller, group, ids, names).await?;
    let name_of = |user: UserId| users.iter().find(|(id, _)| *id == user).map(|(_, name)| name.clone());
    let members: Vec<_> =
        found.into_iter().filter_map(|(user, attributes)| Some((name_of(user)?, attributes))).collect();
    Ok(codec::attributes_of_members(&context.call(&identity.app), context.timing(gateway), &members))
}

async fn set_room(
    gateway: &Gateway,
    context: &RequestContext,
    path: OfGroup,
    body: Body,
    forced: bool,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let params = codec::room_attributes_request(&context.read(body).await?)?;
    let (room_id, name, user) = of_user(gateway, &caller, GroupKind::Room, path).await?;
    identity.check_may_name(&name)?;
    let request = pb::SetRoomAttributesRequest {
        room_id,
        user_id: Some(user.0),
        attributes: wire_attributes(params.pairs),
        auto_delete: params.auto_delete,
        forced,
    };
    let reply = gateway.clients().group.clone().set_room_attributes(context::request(&caller, request)).await;
    let outcomes = outcomes(reply.map_err(|status| room_refusal(&caller, status))?.into_inner());
    Ok(codec::room_attributes_changed(&context.call(&identity.app), context.timing(gateway), &outcomes))
}

async fn remove_room(
    gateway: &Gateway,
    context: &RequestContext,
    path: OfGroup,
    body: Body,
    forced: bool,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let names = codec::removed_keys(&context.read(body).await?, &context.query)?;
    let (room_id, name, user) = of_user(gateway, &caller, GroupKind::Room, path).await?;
    identity.check_may_name(&name)?;
    let request = pb::RemoveRoomAttributesRequest { room_id, user_id: Some(user.0), names, forced };
    let reply = gateway.clients().group.clone().remove_room_attributes(context::request(&caller, request)).await;
    let outcomes = outcomes(reply.map_err(|status| room_refusal(&caller, status))?.into_inner());
    Ok(codec::room_attributes_changed(&context.call(&identity.app), context.timing(gateway), &outcomes))
}

fn room_refusal(caller: &Caller, status: Status) -> Refusal {
    codec::room_attributes_refusal(&refused(status), !caller.is_app())
}

fn outcomes(reply: pb::RoomAttributesResponse) -> Vec<(String, Option<KeyFailure>)> {
    let outcome = |result: pb::RoomAttributeResult| {
        let failure = match result.failure() {
            pb::RoomAttributeFailure::Unspecified => None,
            pb::RoomAttributeFailure::NameTooLong => Some(KeyFailure::NameTooLong),
            pb::RoomAttributeFailure::NameIllegal => Some(KeyFailure::NameIllegal),
            pb::RoomAttributeFailure::ValueTooLong => Some(KeyFailure::ValueTooLong),
            pb::RoomAttributeFailure::NotOwn => Some(KeyFailure::NotOwn),
            pb::RoomAttributeFailure::TooMany => Some(KeyFailure::TooMany),
        };
        (result.name, failure)
    };
    reply.results.into_iter().map(outcome).collect()
}

async fn read_room(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let names = codec::wanted_keys(&context.read(body).await?)?;
    let room = path_id(gateway, &caller, kind, id_of(&named)).await?;
    let request = pb::GetRoomAttributesRequest { room_id: room, names };
    let reply = gateway.clients().group.clone().get_room_attributes(context::request(&caller, request)).await;
    let found = reply.map_err(|status| room_refusal(&caller, status))?.into_inner().attributes;
    let shown: codec::Pairs = found.into_iter().map(|attribute| (attribute.name, attribute.value)).collect();
    Ok(codec::attribute_map(&context.call(&identity.app), context.timing(gateway), &shown))
}
