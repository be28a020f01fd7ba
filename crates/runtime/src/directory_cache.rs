//! Answers of the directory that other services ask for at every call.
//!
//! An entry is used for a few seconds at most, so a change in the directory (a disabled app, a new policy, a deleted
//! user) is seen everywhere within [`KEEP`], and who may speak where within [`KEEP_RIGHTS`]. Refusals are never kept, nor
//! is that somebody is not in a group.
//!
//! Most calls are answered from here, so what asks the directory is boxed: every call's future would be as large.

use std::{sync::Arc, time::Duration};

use quick_cache::sync::Cache;
use tidings_domain::{
    Actor, App, AppId, Caller, Clock, Error, GroupKind, Membership, Reason, Screening, UnixMillis, UserId, UserRef,
};
use tidings_proto::{
    error_from_status,
    pb::{self, app_ref, directory_service_client::DirectoryServiceClient, group_service_client::GroupServiceClient},
};
use tonic::Request;

use crate::{
    Wire, context,
    context::Scope,
    rights::{self, Access},
};

/// How long an answer is used.
const KEEP: Duration = Duration::from_secs(5);
/// How long it is taken as true that somebody may speak in a group or to another user.
const KEEP_RIGHTS: Duration = Duration::from_secs(1);
/// How long the data of a deleted app stays, for an operator who deleted the wrong one and restores the directory.
const KEEP_DELETED: Duration = Duration::from_hours(7 * 24);
const APPS: usize = 1_000;
const USERS: usize = 100_000;
const RIGHTS: usize = 100_000;

/// An app and when it was read.
type KeptApp = (Arc<App>, UnixMillis);

/// A caching client of the directory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DirectoryCache {
    client: DirectoryServiceClient<Wire>,
    groups: GroupServiceClient<Wire>,
    clock: Arc<dyn Clock>,
    apps: Arc<Cache<AppName, KeptApp>>,
    users: Arc<Cache<(i64, UserRef), (UserId, UnixMillis)>>,
    /// Whether users who exist are enabled.
    acting: Arc<Cache<(AppId, UserId), (bool, UnixMillis)>>,
    /// What a user may do in a group.
    memberships: Arc<Cache<Right, (Membership, UnixMillis)>>,
    /// Who may write to a receiver.
    welcome: Arc<Cache<Right, UnixMillis>>,
}

/// App, user, and the group or the receiver.
type Right = (i64, i64, i64);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum AppName {
    Id(i64),
    Key(String),
}

impl DirectoryCache {
    /// A cache in front of the directory.
    pub fn new(client: DirectoryServiceClient<Wire>, groups: GroupServiceClient<Wire>, clock: Arc<dyn Clock>) -> Self {
        Self {
            client,
            groups,
            clock,
            apps: Arc::new(Cache::new(APPS)),
            users: Arc::new(Cache::new(USERS)),
            acting: Arc::new(Cache::new(USERS)),
            memberships: Arc::new(Cache::new(RIGHTS)),
            welcome: Arc::new(Cache::new(RIGHTS)),
        }
    }

    /// The caller of an RPC and its app, which must exist and be enabled. A user on whose behalf it is made must exist,
    /// and be enabled for whatever changes something.
    pub async fn caller<T>(&self, request: &Request<T>) -> Result<(Caller, Arc<App>), Error> {
        let (caller, app, standing) = self.caller_as_is(request).await?;
        standing.map(|()| (caller, app))
    }

    /// The same, where a user who is disabled is no error but one beside the caller: for calls of which that is told.
    pub async fn caller_as_is<T>(&self, request: &Request<T>) -> Result<(Caller, Arc<App>, Result<(), Error>), Error> {
        let scope = Scope::of(request)?;
        let name = match &scope.app.app {
            Some(app_ref::App::Id(id)) => AppName::Id(*id),
            Some(app_ref::App::AppKey(key)) => AppName::Key(key.clone()),
            _ => return Err(Error::invalid(context::APP, "metadata is required")),
        };
        let app = self.app(name, &scope).await?;
        if !app.enabled {
            return Err(Error::new(Reason::AppDisabled, ""));
        }
        let caller = scope.caller(app.id);
        if let Actor::User(user) = caller.actor
            && user != UserId::ADMIN
            && !self.is_enabled(&caller, user).await?
            && rights::access_of(request) != Access::UserReads
        {
            let disabled = Error::new(Reason::UserDisabled, user.to_string());
            return Ok((caller, app, Err(disabled)));
        }
        Ok((caller, app, Ok(())))
    }

    /// Whether the user is enabled; an error when there is none.
    async fn is_enabled(&self, caller: &Caller, user: UserId) -> Result<bool, Error> {
        let (key, now) = ((caller.app, user), self.clock.now());
        if let Some((enabled, read_at)) = self.acting.get(&key)
            && fresh(read_at, now, KEEP)
        {
            return Ok(enabled);
        }
        let asked = pb::GetUserRequest { user: Some(UserRef::Id(user).into()) };
        let answer = Box::pin(self.client.clone().get_user(as_app(caller, asked))).await;
        let enabled = answer.map_err(error_from_status)?.into_inner().enabled;
        self.acting.insert(key, (enabled, now));
        Ok(enabled)
    }

    /// An app by its number, as it is now.
    pub async fn app_of(&self, app: AppId) -> Result<App, Error> {
        let named = pb::AppRef { app: Some(app_ref::App::Id(app.0)) };
        App::try_from(self.client.clone().get_app(named).await.map_err(error_from_status)?.into_inner())
    }

    /// What an app wants to look at, as it is now.
    pub async fn screening(&self, app: AppId) -> Result<Screening, Error> {
        let asked = context::request(&Caller::of_app(app), pb::GetScreeningRequest {});
        self.client.clone().get_screening(asked).await.map_err(error_from_status)?.into_inner().try_into()
    }

    /// Whether the profile of a user, or a group or room of the app, names the file, as it is now.
    pub async fn shows_file(&self, app: AppId, uuid: &str) -> Result<bool, Error> {
        let asked = context::request(&Caller::of_app(app), pb::ShowsFileRequest { uuid: uuid.to_owned() });
        Ok(self.client.clone().shows_file(asked).await.map_err(error_from_status)?.into_inner().shown)
    }

    /// Every app, as they are now.
    pub async fn apps(&self) -> Result<Vec<App>, Error> {
        let mut apps = Vec::new();
        loop {
            let after_id = apps.last().map_or(0, |app: &App| app.id.0);
            let asked = pb::ListAppsRequest { after_id, limit: 1_000 };
            let page = self.client.clone().list_apps(asked).await.map_err(error_from_status)?.into_inner().apps;
            if page.is_empty() {
                return Ok(apps);
            }
            for app in page {
                apps.push(App::try_from(app)?);
            }
        }
    }

    /// Every app that was deleted, and when, as it is now.
    pub async fn deleted_apps(&self) -> Result<Vec<(AppId, UnixMillis)>, Error> {
        let mut deleted = Vec::new();
        loop {
            let after_id = deleted.last().map_or(0, |(app, _): &(AppId, UnixMillis)| app.0);
            let asked = pb::ListDeletedAppsRequest { after_id, limit: 1_000 };
            let page = self.client.clone().list_deleted_apps(asked).await.map_err(error_from_status)?.into_inner().apps;
            if page.is_empty() {
                return Ok(deleted);
            }
            deleted.extend(page.into_iter().map(|app| (AppId(app.id), UnixMillis(app.deleted_at_ms))));
        }
    }

    /// The apps that were deleted long enough ago for their data to go.
    pub async fn forgotten_apps(&self) -> Result<Vec<AppId>, Error> {
        let now = self.clock.now();
        let deleted = self.deleted_apps().await?.into_iter();
        Ok(deleted.filter(|(_, at)| now >= *at + KEEP_DELETED).map(|(app, _)| app).collect())
    }

    /// Rooms above `after` that have a member, and where to go on; 0 when there are no more.
    pub async fn rooms_with_members(&self, caller: &Caller, after: i64, limit: i32) -> Result<(Vec<i64>, i64), Error> {
        let asked = pb::ListGroupsRequest { kind: pb::GroupKind::Room.into(), after_id: after, limit };
        let page = self.groups.clone().list(as_app(caller, asked)).await;
        let page = page.map_err(error_from_status)?.into_inner();
        let rooms = page.groups.iter().filter(|room| room.member_count > 0 && room.enabled).map(|room| room.id);
        Ok((rooms.collect(), page.next_after_id))
    }

    async fn app(&self, name: AppName, scope: &Scope) -> Result<Arc<App>, Error> {
        let now = self.clock.now();
        if let Some((app, read_at)) = self.apps.get(&name)
            && fresh(read_at, now, KEEP)
        {
            return Ok(app);
        }
        let mut client = self.client.clone();
        let answer = Box::pin(client.get_app(scope.app.clone())).await.map_err(error_from_status)?;
        let app = Arc::new(App::try_from(answer.into_inner())?);
        self.apps.insert(name, (Arc::clone(&app), now));
        Ok(app)
    }

    /// The users' ids in the order asked. Names that nobody registered become unregistered users when `intern` says so, else
    /// the first unknown user is an error.
    pub async fn users(&self, caller: &Caller, users: &[UserRef], intern: bool) -> Result<Vec<UserId>, Error> {
        let now = self.clock.now();
        let known: Vec<Option<UserId>> = users.iter().map(|user| self.known(caller, user, now)).collect();
        let missing: Vec<&UserRef> =
            users.iter().zip(&known).filter(|(_, id)| id.is_none()).map(|(user, _)| user).collect();
        if missing.is_empty() {
            return Ok(known.into_iter().flatten().collect());
        }
        let asked = pb::ResolveUsersRequest {
            users: missing.iter().map(|user| pb::UserRef::from((*user).clone())).collect(),
            intern_unknown: intern,
        };
        let answer = Box::pin(self.client.clone().resolve_users(as_app(caller, asked))).await;
        let found = answer.map_err(error_from_status)?.into_inner().users;
        for (user, found) in missing.into_iter().zip(&found) {
            self.users.insert((caller.app.0, user.clone()), (UserId(found.id), now));
        }
        let mut found = found.into_iter().map(|user| UserId(user.id));
        known
            .into_iter()
            .map(|id| id.or_else(|| found.next()))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Error::internal("the directory answered with fewer users than asked"))
    }

    /// The users' names in the order asked; empty where there is none. At most 1,000 at once, and never from the cache.
    pub async fn user_names(&self, caller: &Caller, users: &[UserId]) -> Result<Vec<String>, Error> {
        let asked = pb::UserNamesRequest { user_ids: users.iter().map(|user| user.0).collect() };
        let answer = self.client.clone().user_names(as_app(caller, asked)).await;
        Ok(answer.map_err(error_from_status)?.into_inner().usernames)
    }

    /// What `user` may do in the groups and rooms, in the order asked; `None` where there is no such group.
    pub async fn memberships(
        &self,
        caller: &Caller,
        user: UserId,
        groups: &[i64],
    ) -> Result<Vec<Option<Membership>>, Error> {
        let now = self.clock.now();
        let key = |group: i64| (caller.app.0, user.0, group);
        let kept = |group: i64| {
            let (membership, read_at) = self.memberships.get(&key(group))?;
            fresh(read_at, now, KEEP_RIGHTS).then_some(membership)
        };
        let mut known: Vec<Option<Membership>> = groups.iter().map(|group| kept(*group)).collect();
        let missing: Vec<i64> =
            groups.iter().zip(&known).filter(|(_, found)| found.is_none()).map(|(group, _)| *group).collect();
        if missing.is_empty() {
            return Ok(known);
        }
        let asked = pb::MembershipsRequest { user_id: Some(user.0), group_ids: missing };
        let answer = Box::pin(self.groups.clone().memberships(as_app(caller, asked))).await;
        for wire in answer.map_err(error_from_status)?.into_inner().memberships {
            let membership = Membership::try_from(wire)?;
            if membership.role.is_some() || user == UserId::ADMIN {
                self.memberships.insert(key(membership.group), (membership, now));
            }
            for (group, place) in groups.iter().zip(&mut known) {
                if *group == membership.group {
                    *place = Some(membership);
                }
            }
        }
        Ok(known)
    }

    /// What `user` may do in one group or room, which must exist.
    pub async fn membership(&self, caller: &Caller, user: UserId, group: i64) -> Result<Membership, Error> {
        let found = self.memberships(caller, user, &[group]).await?;
        found.into_iter().next().flatten().ok_or_else(|| Error::new(Reason::GroupNotFound, group.to_string()))
    }

    /// Every group, or room, that `user` is in. Never from the cache: who has just joined sees the group at once.
    pub async fn joined(&self, caller: &Caller, user: UserId, kind: GroupKind) -> Result<Vec<Membership>, Error> {
        let mut joined = Vec::new();
        let mut after_id = 0;
        loop {
            let kind = pb::GroupKind::from(kind).into();
            let asked = pb::JoinedRequest { user_id: Some(user.0), kind, after_id, limit: 0 };
            let answer = self.groups.clone().joined(as_app(caller, asked)).await;
            let page = answer.map_err(error_from_status)?.into_inner();
            for wire in page.memberships {
                joined.push(wire.try_into()?);
            }
            after_id = page.next_after_id;
            if after_id == 0 {
                return Ok(joined);
            }
        }
    }

    /// Registered users above `after` by ascending id, at most `limit`; none when there are no more.
    pub async fn registered(&self, caller: &Caller, after: UserId, limit: i32) -> Result<Vec<UserId>, Error> {
        let asked = pb::ListUsersRequest { after_id: after.0, limit };
        let answer = self.client.clone().list_users(as_app(caller, asked)).await;
        Ok(answer.map_err(error_from_status)?.into_inner().users.iter().map(|user| UserId(user.id)).collect())
    }

    /// Refuses a sender whom one of the receivers has blocked.
    pub async fn check_welcome(&self, caller: &Caller, sender: UserId, receivers: &[UserId]) -> Result<(), Error> {
        let now = self.clock.now();
        let key = |receiver: UserId| (caller.app.0, sender.0, receiver.0);
        let is_known = |receiver: UserId| {
            let read_at = self.welcome.get(&key(receiver));
            receiver == UserId::ADMIN || read_at.is_some_and(|read_at| fresh(read_at, now, KEEP_RIGHTS))
        };
        let missing: Vec<UserId> = receivers.iter().copied().filter(|receiver| !is_known(*receiver)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let by_ids = missing.iter().map(|receiver| receiver.0).collect();
        let asked = pb::BlockedByRequest { user_id: Some(sender.0), by_ids };
        let answer = Box::pin(self.client.clone().blocked_by(as_app(caller, asked))).await;
        let by = answer.map_err(error_from_status)?.into_inner().by_ids;
        if let Some(by) = by.first() {
            return Err(Error::new(Reason::BlockedByReceiver, by.to_string()));
        }
        for receiver in missing {
            self.welcome.insert(key(receiver), now);
        }
        Ok(())
    }

    fn known(&self, caller: &Caller, user: &UserRef, now: UnixMillis) -> Option<UserId> {
        if *user == UserRef::Id(UserId::ADMIN) {
            return Some(UserId::ADMIN);
        }
        let (id, read_at) = self.users.get(&(caller.app.0, user.clone()))?;
        fresh(read_at, now, KEEP).then_some(id)
    }
}

/// What a service needs to know for a call it asks for itself: it has judged what the caller may do.
fn as_app<T>(caller: &Caller, message: T) -> Request<T> {
    context::request(&Caller { actor: Actor::App, ..caller.clone() }, message)
}

/// An answer from the future, after the clock was set back, is not fresh.
fn fresh(read_at: UnixMillis, now: UnixMillis, keep: Duration) -> bool {
    now >= read_at && now - read_at < keep
}
