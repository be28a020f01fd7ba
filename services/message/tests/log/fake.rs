//! A fake directory: one app, users by id, groups and rooms.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard},
};

use http_body_util::BodyExt as _;
use prost::Message as _;
use tidings_domain::{
    App, Error, GroupKind, GroupRole, Membership, Mute, Policy, Reason, Screening, UnixMillis, UserId,
};
use tidings_proto::{internal, page_start, page_token, pb, status_from_error};
use tidings_runtime::Wire;
use tidings_testkit::grpc_answer;
use tonic::body::Body;
use tower::service_fn;

/// Its users and groups.
#[derive(Debug, Default)]
pub struct State {
    pub policy: Policy,
    pub screening: Screening,
    /// Registered users; nobody else exists.
    pub users: BTreeSet<i64>,
    /// Of names, and how often one was asked for.
    pub names: BTreeMap<String, i64>,
    pub users_version: i64,
    pub questions: Vec<String>,
    /// Is listed but cannot be resolved.
    pub vanished: Option<i64>,
    pub groups: BTreeMap<i64, Group>,
    /// Those of them who are disabled.
    pub disabled: BTreeSet<i64>,
    /// Who blocked whom.
    pub blocked: BTreeSet<(i64, i64)>,
    /// Changes by their ids.
    pub changes: BTreeMap<i64, internal::RecordedChange>,
    /// How often they were taken.
    pub taken: usize,
    /// Whether removals have no effect, as if whoever took changes ended before.
    pub keeps_changes: bool,
    /// Whether it is of a version that records no changes.
    pub is_old: bool,
    /// Who is whose contact.
    pub contacts: BTreeSet<(i64, i64)>,
}

/// A group or room with its members.
#[derive(Debug)]
pub struct Group {
    pub kind: GroupKind,
    pub enabled: bool,
    pub history_visible: bool,
    pub members: BTreeMap<i64, Member>,
}

#[derive(Debug, Clone, Copy)]
pub struct Member {
    pub role: GroupRole,
    pub joined_at: UnixMillis,
    pub muted: Mute,
}

/// The state, and the wire to it. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Fake(Arc<Mutex<State>>);

impl Fake {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn wire(&self) -> Wire {
        let fake = self.clone();
        Wire::local(service_fn(move |request| {
            let fake = fake.clone();
            async move { Ok::<_, Infallible>(fake.answer(request).await) }
        }))
    }

    async fn answer(&self, request: http::Request<Body>) -> http::Response<Body> {
        let path = request.uri().path().to_owned();
        let bytes = request.into_body().collect().await.unwrap().to_bytes().slice(5..);
        let mut state = self.state();
        match path.rsplit('/').next().unwrap() {
            "GetApp" => grpc_answer(&state.app()),
            "GetUser" => grpc_answer(&state.acting(named(&pb::GetUserRequest::decode(bytes).unwrap()))),
            "GetScreening" => grpc_answer(&internal::Screening::from(state.screening.clone())),
            "UserNames" => grpc_answer(&names(&internal::UserNamesRequest::decode(bytes).unwrap())),
            "ResolveUsers" => state.resolve(&pb::ResolveUsersRequest::decode(bytes).unwrap()),
            "ListUsers" => grpc_answer(&state.list(&pb::ListUsersRequest::decode(bytes).unwrap())),
            "BlockedBy" => grpc_answer(&state.blocked_by(&internal::BlockedByRequest::decode(bytes).unwrap())),
            "Memberships" => grpc_answer(&state.memberships(&internal::MembershipsRequest::decode(bytes).unwrap())),
            "ListGroups" => grpc_answer(&state.list_groups(&pb::ListGroupsRequest::decode(bytes).unwrap())),
            "Joined" => grpc_answer(&state.joined(&pb::JoinedRequest::decode(bytes).unwrap())),
            "UserPlaces" => grpc_answer(&state.places(&internal::UserPlacesRequest::decode(bytes).unwrap())),
            "TakeChanges" | "RemoveChanges" if state.is_old => tonic::Status::unimplemented("").into_http(),
            "TakeChanges" => grpc_answer(&state.take_changes()),
            "RemoveChanges" => {
                let request = internal::RemoveChangesRequest::decode(bytes).unwrap();
                let keeps = state.keeps_changes;
                state.changes.retain(|id, _| keeps || !request.change_ids.contains(id));
                grpc_answer(&internal::RemoveChangesResponse {})
            }
            _ => panic!("no answer to {path}"),
        }
    }
}

impl State {
    fn app(&self) -> pb::App {
        let app = App {
            policy: self.policy.clone(),
            screening: self.screening.version,
            users_version: self.users_version,
            ..App::example()
        };
        app.into()
    }

    fn take_changes(&mut self) -> internal::TakeChangesResponse {
        self.taken += 1;
        internal::TakeChangesResponse { changes: self.changes.values().cloned().collect() }
    }

    fn resolve(&mut self, request: &pb::ResolveUsersRequest) -> http::Response<Body> {
        let mut users = Vec::new();
        for user in &request.users {
            match user.user {
                Some(pb::user_ref::User::UserId(id)) if self.users.contains(&id) && self.vanished != Some(id) => {
                    users.push(user_of(id));
                }
                Some(pb::user_ref::User::UserId(id)) => return unknown(&id.to_string()),
                Some(pb::user_ref::User::Username(ref name)) => {
                    self.questions.push(name.clone());
                    let Some(id) = self.names.get(name) else { return unknown(name) };
                    users.push(user_of(*id));
                }
                None => panic!("nobody named"),
            }
        }
        grpc_answer(&pb::ResolveUsersResponse { users })
    }

    fn list(&self, request: &pb::ListUsersRequest) -> pb::ListUsersResponse {
        let above = self.users.range(page_start(&request.page_token).unwrap() + 1..);
        let users: Vec<pb::User> = above.take(request.page_size as usize).map(|id| user_of(*id)).collect();
        let next_page_token = page_token(users.last().map_or(0, |user| user.id));
        pb::ListUsersResponse { users, next_page_token }
    }

    fn blocked_by(&self, request: &internal::BlockedByRequest) -> internal::BlockedByResponse {
        let sender = request.user_id.unwrap();
        let by = request.by_ids.iter().copied();
        let strangers =
            by.clone().filter(|by| request.contacts_only && *by != sender && !self.contacts.contains(&(sender, *by)));
        internal::BlockedByResponse {
            stranger_ids: strangers.collect(),
            by_ids: by.filter(|by| self.blocked.contains(&(*by, sender))).collect(),
        }
    }

    fn memberships(&self, request: &internal::MembershipsRequest) -> internal::MembershipsResponse {
        let user = request.user_id.unwrap();
        let found = request.group_ids.iter().filter_map(|id| Some(membership(*id, self.groups.get(id)?, user).into()));
        internal::MembershipsResponse { memberships: found.collect() }
    }

    fn places(&self, request: &internal::UserPlacesRequest) -> internal::UserPlacesResponse {
        let user = request.user_id.unwrap();
        let all = self.groups.iter().map(|(id, group)| membership(*id, group, user));
        let place = |it: Membership| internal::UserPlace {
            group_id: it.group,
            kind: pb::GroupKind::from(it.kind).into(),
            joined_at_ms: it.joined_at.0,
            history_visible: it.history_visible,
            ..Default::default()
        };
        let places = all.filter(|it| it.role.is_some()).map(place).collect();
        internal::UserPlacesResponse { places, contact_ids: Vec::new() }
    }

    /// One per page, so that callers must page.
    fn joined(&self, request: &pb::JoinedRequest) -> pb::JoinedResponse {
        let (user, kind) = (request.user_id.unwrap(), GroupKind::from(request.kind()));
        let above = self.groups.range(page_start(&request.page_token).unwrap() + 1..);
        let mut joined = above.filter(|(_, group)| group.kind == kind && group.members.contains_key(&user));
        let first = joined.next().map(|(id, group)| membership(*id, group, user).into());
        let next_page_token = page_token(first.as_ref().map_or(0, |first: &pb::Membership| first.group_id));
        pb::JoinedResponse { memberships: first.into_iter().collect(), next_page_token, ..Default::default() }
    }
}

fn membership(id: i64, group: &Group, user: i64) -> Membership {
    let member = group.members.get(&user);
    Membership {
        group: id,
        kind: group.kind,
        role: member.map(|member| member.role),
        joined_at: member.map_or(UnixMillis(0), |member| member.joined_at),
        muted: member.map_or(Mute::No, |member| member.muted),
        muted_with_all: false,
        history_visible: group.history_visible,
        read_ack: false,
        owner: UserId(16),
        enabled: group.enabled,
    }
}

impl State {
    fn acting(&self, id: i64) -> pb::User {
        pb::User { enabled: !self.disabled.contains(&id), ..user_of(id) }
    }

    fn list_groups(&self, request: &pb::ListGroupsRequest) -> pb::ListGroupsResponse {
        let kind = GroupKind::from(request.kind());
        let after = page_start(&request.page_token).unwrap();
        let groups = self.groups.iter().filter(|(id, group)| **id > after && group.kind == kind);
        let groups = groups.map(|(id, group)| pb::Group {
            id: *id,
            enabled: group.enabled,
            member_count: group.members.len() as i32,
            ..Default::default()
        });
        pb::ListGroupsResponse { groups: groups.collect(), ..Default::default() }
    }
}

/// Ann has a name, nobody else.
fn names(request: &internal::UserNamesRequest) -> internal::UserNamesResponse {
    let usernames = request.user_ids.iter().map(|id| if *id == 16 { "Ann".to_owned() } else { String::new() });
    internal::UserNamesResponse { usernames: usernames.collect() }
}

/// Every user that acts in these tests exists.
fn named(request: &pb::GetUserRequest) -> i64 {
    match request.user.as_ref().and_then(|user| user.user.as_ref()) {
        Some(pb::user_ref::User::UserId(id)) => *id,
        other => panic!("no id: {other:?}"),
    }
}

fn unknown(user: &str) -> http::Response<Body> {
    status_from_error(Error::new(Reason::UserNotFound, user)).into_http()
}

fn user_of(id: i64) -> pb::User {
    pb::User { id, registered: true, enabled: true, ..Default::default() }
}
