//! Data that clients get with an event and that is not in the event: read once for all sessions of a gateway.

use std::collections::{BTreeSet, HashMap};

use tidings_dialects::agora::{
    Reaction,
    msync::{GroupState, Settings},
};
use tidings_domain::{Caller, Change, Error, EventKind, MsgId, UserId};
use tidings_proto::pb;
use tidings_runtime::context;

use crate::{Gateway, agora::feed::FeedEvent, reply::refused};

/// Groups that are read at once.
const GROUPS: usize = 500;
/// Messages whose reactions are read at once.
const MESSAGES: usize = 20;
/// Members whose attributes are read at once; events of further ones in the same batch have no values.
const MEMBERS: usize = 600;

/// Of one event.
#[derive(Default)]
pub(super) struct Details {
    /// Of a change of a group.
    pub place: GroupState,
    /// Of a reaction that was added or removed: all reactions of the message.
    pub reactions: Vec<Reaction>,
}

/// Values of attributes by the group, the member (0: of the group itself) and the attribute.
type Values = HashMap<(i64, i64), Vec<(String, String)>>;

/// The details of each event. What was removed meanwhile is left out.
pub(super) async fn details(gateway: &Gateway, caller: &Caller, events: &[FeedEvent]) -> Result<Vec<Details>, Error> {
    let reader = Reader { gateway, caller };
    let changes: Vec<&Change> = events.iter().filter_map(|event| event.change.as_ref()).collect();
    let groups = reader.groups(&changes).await?;
    let deciders = reader.deciders(&changes, &groups).await?;
    let mut values = reader.room_values(&changes).await?;
    values.extend(reader.member_values(&changes).await?);
    let reactions = reader.reactions(events).await?;
    Ok(events
        .iter()
        .map(|event| {
            let place = event.change.as_ref().map(|change| place(change, &groups, &deciders, &values));
            let reactions = reactions.get(&event.wire.msg_id).filter(|_| is_reaction(event)).cloned();
            Details { place: place.unwrap_or_default(), reactions: reactions.unwrap_or_default() }
        })
        .collect())
}

fn is_reaction(event: &FeedEvent) -> bool {
    matches!(EventKind::of_name(&event.wire.kind), Some(EventKind::Reacted | EventKind::Unreacted))
}

const fn is_for_deciders(change: &Change) -> bool {
    matches!(change, Change::Applied { .. } | Change::InvitationDeclined { .. })
}

fn place(
    change: &Change,
    groups: &HashMap<i64, pb::Group>,
    deciders: &HashMap<i64, Vec<UserId>>,
    values: &Values,
) -> GroupState {
    let id = change.group().map_or(0, |group| group.id);
    let group = groups.get(&id);
    let settings = group.and_then(|group| group.settings.as_ref()).map(|settings| Settings {
        public: settings.public,
        members_only: Some(settings.apply_approval() != pb::ApplyApproval::All),
        member_invite: settings.member_invite,
        invite_confirm: settings.invite_confirm,
        max_members: settings.max_members,
    });
    let (key, names) = match change {
        Change::AttributesChanged { names, is_set: true, .. } => ((id, 0), &names[..]),
        Change::MemberChanged { user, names, .. } => ((id, user.0), &names[..]),
        _ => ((0, 0), &[][..]),
    };
    let found = values.get(&key).into_iter().flatten().filter(|(name, _)| names.contains(name));
    let named = match change {
        Change::GroupCreated { name, .. } | Change::GroupUpdated { name, .. } | Change::GroupDestroyed { name, .. } => {
            Some(name.clone())
        }
        _ => None,
    };
    GroupState {
        name: named.or_else(|| group.map(|group| group.name.clone())).unwrap_or_default(),
        members: group.map_or(0, |group| group.member_count),
        of_message: group.map_or(0, |group| group.parent_msg_id),
        deciders: deciders.get(&id).filter(|_| is_for_deciders(change)).cloned().unwrap_or_default(),
        values: found.cloned().collect(),
        settings: settings.unwrap_or_default(),
    }
}

struct Reader<'a> {
    gateway: &'a Gateway,
    caller: &'a Caller,
}

impl Reader<'_> {
    fn request<T>(&self, message: T) -> tonic::Request<T> {
        context::request(self.caller, message)
    }

    /// Those whose notices contain more than ids.
    async fn groups(&self, changes: &[&Change]) -> Result<HashMap<i64, pb::Group>, Error> {
        let is_shown = |change: &&&Change| {
            matches!(
                change,
                Change::MembersJoined { .. }
                    | Change::MembersLeft { .. }
                    | Change::Invited { .. }
                    | Change::Applied { .. }
                    | Change::InvitationDeclined { .. }
                    | Change::GroupUpdated { .. }
            ) || change.group().is_some_and(|group| group.parent != 0)
        };
        let ids: BTreeSet<i64> =
            changes.iter().filter(is_shown).filter_map(|change| change.group()).map(|group| group.id).collect();
        let ids: Vec<i64> = ids.into_iter().collect();
        let mut found = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(GROUPS) {
            let request = self.request(pb::GetGroupsRequest { group_ids: ids.to_vec() });
            let groups = if_there(self.gateway.clients().group.clone().get_groups(request).await)?;
            let groups = groups.map(|found| found.groups).unwrap_or_default();
            found.extend(groups.into_iter().map(|group| (group.id, group)));
        }
        Ok(found)
    }

    /// Who is notified of applications to join: the owner and the admins.
    async fn deciders(
        &self,
        changes: &[&Change],
        groups: &HashMap<i64, pb::Group>,
    ) -> Result<HashMap<i64, Vec<UserId>>, Error> {
        let ids: BTreeSet<i64> = changes
            .iter()
            .filter(|change| is_for_deciders(change))
            .filter_map(|change| change.group())
            .map(|group| group.id)
            .collect();
        let mut found = HashMap::new();
        for id in ids {
            let Some(group) = groups.get(&id) else { continue };
            let filter = pb::MemberFilter::Admins.into();
            let request = self.request(pb::ListMembersRequest { group_id: id, filter, ..Default::default() });
            let listed = self.gateway.clients().group.clone().list_members(request).await;
            let admins = if_there(listed)?.map(|listed| listed.members).unwrap_or_default();
            let admins = admins.into_iter().map(|admin| UserId(admin.user_id));
            found.insert(id, [UserId(group.owner_id)].into_iter().chain(admins).collect());
        }
        Ok(found)
    }

    async fn room_values(&self, changes: &[&Change]) -> Result<Values, Error> {
        let mut asked: HashMap<i64, BTreeSet<&String>> = HashMap::new();
        for change in changes {
            if let Change::AttributesChanged { group, names, is_set: true } = change {
                asked.entry(group.id).or_default().extend(names);
            }
        }
        let mut values = Values::new();
        for (room_id, names) in asked {
            let names = names.into_iter().cloned().collect();
            let request = self.request(pb::GetRoomAttributesRequest { room_id, names });
            let found = if_there(self.gateway.clients().group.clone().get_room_attributes(request).await)?;
            let found = found.map(|found| found.attributes).unwrap_or_default();
            values.insert((room_id, 0), found.into_iter().map(|one| (one.name, one.value)).collect());
        }
        Ok(values)
    }

    async fn member_values(&self, changes: &[&Change]) -> Result<Values, Error> {
        let mut asked: HashMap<i64, BTreeSet<i64>> = HashMap::new();
        for change in changes {
            if let Change::MemberChanged { group, user, .. } = change {
                asked.entry(group.id).or_default().insert(user.0);
            }
        }
        let mut values = Values::new();
        for (group_id, users) in asked {
            let user_ids = users.into_iter().take(MEMBERS).collect();
            let request = self.request(pb::GetMemberAttributesRequest { group_id, user_ids, names: Vec::new() });
            let found = if_there(self.gateway.clients().group.clone().get_member_attributes(request).await)?;
            for member in found.map(|found| found.members).unwrap_or_default() {
                let of_member = member.attributes.into_iter().map(|one| (one.name, one.value)).collect();
                values.insert((group_id, member.user_id), of_member);
            }
        }
        Ok(values)
    }

    async fn reactions(&self, events: &[FeedEvent]) -> Result<HashMap<i64, Vec<Reaction>>, Error> {
        let ids: BTreeSet<i64> =
            events.iter().filter(|event| is_reaction(event)).map(|event| MsgId(event.wire.msg_id).0).collect();
        let ids: Vec<i64> = ids.into_iter().collect();
        let mut found = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(MESSAGES) {
            let request = self.request(pb::ListReactionsRequest { user_id: None, msg_ids: ids.to_vec() });
            let listed = if_there(self.gateway.clients().message.clone().list_reactions(request).await)?;
            for message in listed.map(|listed| listed.messages).unwrap_or_default() {
                found.insert(
                    message.msg_id,
                    message.reactions.into_iter().map(crate::agora::reaction::of_wire).collect(),
                );
            }
        }
        Ok(found)
    }
}

/// `None`: it was removed, or cannot be read. Clients get the event without it; other events are not held up.
fn if_there<T>(reply: Result<tonic::Response<T>, tonic::Status>) -> Result<Option<T>, Error> {
    match reply.map_err(refused) {
        Ok(reply) => Ok(Some(reply.into_inner())),
        Err(error) if error.reason().is_transient() => Err(error),
        Err(_) => Ok(None),
    }
}
