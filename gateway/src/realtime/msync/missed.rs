//! Pending contact requests and invitations to groups, which a device gets when
//! it reconnects.

use std::collections::HashMap;

use tidings_dialects::agora::{
    Names,
    msync::{self as codec, Changed, GroupState, Queue},
};
use tidings_domain::{Change, Error, GroupChanged, GroupKind, UnixMillis, UserId};
use tidings_proto::{moment_or_zero, pb};
use tidings_runtime::context;

use super::queues::Entry;
use crate::{agora, realtime::client::Client, reply::refused};

/// Of each; the REST calls list all.
const MOST: i32 = 100;

/// Whether a change is sent by [`pending`], and must not be sent again as a past event.
pub(super) const fn is_pending(change: &Change) -> bool {
    matches!(change, Change::ContactRequested { .. } | Change::Invited { .. })
}

/// Pending requests made after that time.
pub(super) async fn pending(client: &Client, since: UnixMillis, app_key: &str) -> Result<Vec<(Queue, Entry)>, Error> {
    let mut missed = contacts(client).await?;
    let invitations = invitations(client).await?;
    let groups = groups(client, &invitations).await?;
    missed.extend(invitations.into_iter().filter_map(|it| {
        let place = GroupState { name: groups.get(&it.group_id)?.clone(), ..GroupState::default() };
        let group = GroupChanged::new(it.group_id, GroupKind::Group);
        let change = Change::Invited { group, users: vec![client.user] };
        Some(MissedChange { change, place, actor: UserId(it.inviter_id), at: moment_or_zero(it.made_at) })
    }));
    missed.retain(|missed| missed.at > since);
    missed.sort_by_key(|missed| missed.at);
    let people = missed.iter().map(|missed| missed.actor).chain([client.user]);
    let names = agora::names_of(&client.gateway, &client.caller, people).await?;
    Ok(missed.iter().flat_map(|missed| missed.entries(client.user, &names, app_key)).collect())
}

struct MissedChange {
    change: Change,
    place: GroupState,
    actor: UserId,
    at: UnixMillis,
}

impl MissedChange {
    fn entries(&self, user: UserId, names: &Names, app_key: &str) -> Vec<(Queue, Entry)> {
        let queue = match self.change.group() {
            Some(group) => Queue::of_group(group.id),
            None => Queue::of_user(&names.of(self.actor)),
        };
        let id = format!("pending/{}/{}/{}", queue.name, self.actor, self.at.0);
        let Self { change, place, actor, at } = self;
        let changed = Changed { id: &id, actor: *actor, at: *at, change, names, place, app_key };
        let metas = codec::notices_for(&changed, user).into_iter().map(Into::into);
        metas.map(|meta| (queue.clone(), Entry { meta, delivers: None })).collect()
    }
}

async fn contacts(client: &Client) -> Result<Vec<MissedChange>, Error> {
    let request = pb::ListContactRequestsRequest { page_size: MOST, ..Default::default() };
    let mut directory = client.gateway.clients().directory.clone();
    let listed = directory.list_contact_requests(context::request(&client.caller, request)).await.map_err(refused)?;
    let missed = |request: pb::ContactRequest| {
        let (from, at) = (UserId(request.from_id), moment_or_zero(request.made_at));
        let change = Change::ContactRequested { user: client.user, from, text: request.text };
        MissedChange { change, place: GroupState::default(), actor: from, at }
    };
    Ok(listed.into_inner().requests.into_iter().map(missed).collect())
}

async fn invitations(client: &Client) -> Result<Vec<pb::Invitation>, Error> {
    let request = pb::ListInvitationsRequest { page_size: MOST, ..Default::default() };
    let listed =
        client.gateway.clients().group.clone().list_invitations(context::request(&client.caller, request)).await;
    Ok(listed.map_err(refused)?.into_inner().invitations)
}

/// The names of their groups.
async fn groups(client: &Client, invitations: &[pb::Invitation]) -> Result<HashMap<i64, String>, Error> {
    if invitations.is_empty() {
        return Ok(HashMap::new());
    }
    let request = pb::GetGroupsRequest { group_ids: invitations.iter().map(|it| it.group_id).collect() };
    let found = client.gateway.clients().group.clone().get_groups(context::request(&client.caller, request)).await;
    Ok(found.map_err(refused)?.into_inner().groups.into_iter().map(|group| (group.id, group.name)).collect())
}
