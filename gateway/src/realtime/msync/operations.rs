//! Groups and rooms over this wire. Everything else about them is a REST call.

use tidings_dialects::agora::{Refusal, msync::Room};
use tidings_domain::{Error, Reason};
use tidings_proto::{moment_or_zero, mute_or_none, pb};
use tidings_runtime::context;

use crate::{realtime::client::Client, reply::refused};

/// The user enters a room. The event feed tells every gateway with a session of theirs, which then gets what is sent
/// there.
pub(super) async fn enter_room(client: &Client, room: i64, leaves_others: bool) -> Result<Room, Refusal> {
    client.gateway.sockets().check_room_change(client.caller.app, client.user)?;
    let found = find(client, room).await?;
    let mut groups = client.gateway.clients().group.clone();
    let request = pb::ApplyRequest { group_id: room, ..Default::default() };
    let (joined, is_new) = match groups.apply(context::request(&client.caller, request)).await.map_err(refused) {
        Ok(reply) => (reply.into_inner().joined, true),
        // Clients enter again after they reconnect.
        Err(error) if error.reason() == Reason::AlreadyGroupMember => (true, false),
        Err(error) => return Err(error.into()),
    };
    if !joined {
        return Err(Error::new(Reason::NotPermitted, "").into());
    }
    if leaves_others {
        leave_others(client, room).await?;
    }
    let mute = mute_or_none(found.settings.and_then(|settings| settings.mute_all_until));
    let is_muted = mute.holds(client.gateway.now());
    let members = found.member_count + i32::from(is_new);
    Ok(Room { id: room, is_muted, created_at: moment_or_zero(found.created_at), members })
}

/// The user leaves a room.
pub(super) async fn leave_room(client: &Client, room: i64) -> Result<(), Refusal> {
    client.gateway.sockets().check_room_change(client.caller.app, client.user)?;
    find(client, room).await?;
    leave(client, room).await?;
    Ok(())
}

async fn leave(client: &Client, room: i64) -> Result<(), Error> {
    let request = pb::LeaveRequest { group_id: room, user_id: None };
    client.gateway.clients().group.clone().leave(context::request(&client.caller, request)).await.map_err(refused)?;
    Ok(())
}

/// Except those that the user owns.
async fn leave_others(client: &Client, stays: i64) -> Result<(), Error> {
    let request = pb::JoinedRequest { kind: pb::GroupKind::Room.into(), ..Default::default() };
    let joined = client.gateway.clients().group.clone().joined(context::request(&client.caller, request)).await;
    for membership in joined.map_err(refused)?.into_inner().memberships {
        if membership.group_id == stays {
            continue;
        }
        match leave(client, membership.group_id).await {
            Err(error) if error.reason() != Reason::GroupOwnerBound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// A group is no room.
async fn find(client: &Client, room: i64) -> Result<pb::Group, Error> {
    let request = pb::GetGroupsRequest { group_ids: vec![room] };
    let found = client.gateway.clients().group.clone().get_groups(context::request(&client.caller, request)).await;
    let found = found.map_err(refused)?.into_inner().groups.into_iter().next();
    found
        .filter(|group| group.kind() == pb::GroupKind::Room)
        .ok_or_else(|| Error::new(Reason::GroupNotFound, room.to_string()))
}
