//! What is needed for every call, answered from the cache where possible.
//!
//! Most calls are answered from here, so the futures that call the directory are boxed: otherwise the future of every
//! call would be as large.

use std::{sync::Arc, time::Duration};

use tidings_domain::{Actor, App, Caller, Clock, Error, Membership, Reason, UnixMillis, UserId, UserMutes, UserRef};
use tidings_proto::{
    error_from_status,
    internal::{self, directory_internal_service_client::DirectoryInternalServiceClient},
    pb::{self, app_ref, directory_service_client::DirectoryServiceClient, group_service_client::GroupServiceClient},
};
use tidings_runtime::{
    TtlCache, Wire,
    context::{self, Scope},
    rights::{self, Access},
};
use tonic::Request;

use crate::as_app;

/// How long an app's record is cached. It carries the version of the app's users, so a deleted user may seem to exist for as
/// long; the directory gives no name to another account before that.
const KEEP_APP: Duration = Duration::from_secs(1);
/// How long the id of a name, and a user's state, is cached under one version.
const KEEP_USERS: Duration = Duration::from_secs(5);
/// How long the permission to write to a group or to another user is cached.
const KEEP_RIGHTS: Duration = Duration::from_secs(1);
/// An app may have 2 MiB of words.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
const APPS: usize = 1_000;
const USERS: usize = 100_000;
const RIGHTS: usize = 100_000;

/// A caching client of the directory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DirectoryCache {
    pub(crate) client: DirectoryServiceClient<Wire>,
    pub(crate) internal: DirectoryInternalServiceClient<Wire>,
    pub(crate) groups: GroupServiceClient<Wire>,
    pub(crate) clock: Arc<dyn Clock>,
    apps: Arc<TtlCache<AppName, Arc<App>>>,
    users: Arc<TtlCache<(AppUsers, UserRef), UserId>>,
    /// The state of existing users.
    acting: Arc<TtlCache<(AppUsers, UserId), UserState>>,
    /// What a user may do in a group.
    memberships: Arc<TtlCache<Right, Membership>>,
    /// Who may write to a receiver, and whether that is so because they are contacts.
    welcome: Arc<TtlCache<(Right, bool), ()>>,
}

/// App, and the version of its users that was known at the time of the request. What was requested under one version is
/// not found under the next, whenever the answer comes; it makes room in time.
type AppUsers = (i64, i64);

/// What a user may do anywhere.
#[derive(Debug, Clone, Copy)]
struct UserState {
    enabled: bool,
    /// Where they are muted.
    mutes: UserMutes,
}

/// The receivers who accept no messages of a sender.
#[derive(Debug, Default)]
pub struct RefusingReceivers {
    /// They have blocked the sender.
    pub blockers: Vec<UserId>,
    /// They are not contacts of the sender.
    pub strangers: Vec<UserId>,
}

/// App, user, and the group or the receiver.
type Right = (i64, i64, i64);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum AppName {
    Id(i64),
    Key(String),
}

impl DirectoryCache {
    /// A cache in front of the directory, with the ways to it and to its groups.
    pub fn new(directory: Wire, groups: Wire, clock: Arc<dyn Clock>) -> Self {
        Self {
            internal: DirectoryInternalServiceClient::new(directory.clone()).max_decoding_message_size(MAX_ANSWER),
            client: DirectoryServiceClient::new(directory).max_decoding_message_size(MAX_ANSWER),
            groups: GroupServiceClient::new(groups).max_decoding_message_size(MAX_ANSWER),
            clock,
            apps: Arc::new(TtlCache::new(APPS, |_, _| KEEP_APP)),
            users: Arc::new(TtlCache::new(USERS, |_, _| KEEP_USERS)),
            acting: Arc::new(TtlCache::new(USERS, |_, _| KEEP_USERS)),
            memberships: Arc::new(TtlCache::new(RIGHTS, |_, _| KEEP_RIGHTS)),
            welcome: Arc::new(TtlCache::new(RIGHTS, |(), _| KEEP_RIGHTS)),
        }
    }

    /// The caller of an RPC and its app, which must exist and be enabled. A user on whose behalf the call is made must
    /// exist, and must be enabled for calls that change something.
    pub async fn caller<T>(&self, request: &Request<T>) -> Result<(Caller, Arc<App>), Error> {
        let (caller, app, standing) = self.caller_as_is(request).await?;
        standing.map(|()| (caller, app))
    }

    /// The same, but a disabled user is returned with the caller instead of an error: for calls that report it.
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
        let actor = match &scope.user {
            None => Actor::App,
            Some(UserRef::Id(user)) => Actor::User(*user),
            Some(named) => Actor::User(Box::pin(self.named(&app, named)).await?),
        };
        let caller = scope.caller(app.id, actor);
        if let Actor::User(user) = caller.actor
            && user != UserId::ADMIN
            && !self.standing((&caller, &app), user).await?.enabled
            && rights::access_of(request) != Access::UserReads
        {
            let disabled = Error::new(Reason::UserDisabled, user.to_string());
            return Ok((caller, app, Err(disabled)));
        }
        Ok((caller, app, Ok(())))
    }

    async fn named(&self, app: &App, user: &UserRef) -> Result<UserId, Error> {
        let found = self.users((&Caller::of_app(app.id), app), std::slice::from_ref(user), false).await?;
        found.first().copied().ok_or_else(|| Error::internal("the directory returned fewer users than requested"))
    }

    /// Where the user is muted, regardless of their rights there. For a user on whose behalf the call is made it is
    /// known already, so this makes no call.
    pub async fn mutes(&self, (caller, app): (&Caller, &App), user: UserId) -> Result<UserMutes, Error> {
        Ok(self.standing((caller, app), user).await?.mutes)
    }

    /// An error when there is no such user.
    async fn standing(&self, (caller, app): (&Caller, &App), user: UserId) -> Result<UserState, Error> {
        let (key, now) = ((users_of(app), user), self.steady());
        if let Some(standing) = self.acting.get(&key, now) {
            return Ok(standing);
        }
        let ask = async {
            let request = pb::GetUserRequest { user: Some(UserRef::Id(user).into()) };
            let answer = self.client.clone().get_user(as_app(caller, request)).await;
            let found = answer.map_err(error_from_status)?.into_inner();
            let mutes = found.mutes.as_ref().map(UserMutes::try_from).transpose()?.unwrap_or_default();
            Ok(UserState { enabled: found.enabled, mutes })
        };
        Box::pin(self.acting.load(&key, now, ask)).await
    }

    async fn app(&self, name: AppName, scope: &Scope) -> Result<Arc<App>, Error> {
        let now = self.steady();
        if let Some(app) = self.apps.get(&name, now) {
            return Ok(app);
        }
        let ask = async {
            let request = pb::GetAppRequest { app: Some(scope.app.clone()) };
            let answer = self.client.clone().get_app(request).await.map_err(error_from_status)?;
            App::try_from(answer.into_inner()).map(Arc::new)
        };
        Box::pin(self.apps.load(&name, now, ask)).await
    }

    /// The users' ids in the order of the request, for the app as the call found it. Unregistered names become unregistered
    /// users when `intern` says so, else the first unknown user is an error.
    pub async fn users(
        &self,
        (caller, app): (&Caller, &App),
        users: &[UserRef],
        intern: bool,
    ) -> Result<Vec<UserId>, Error> {
        let now = self.steady();
        let known: Vec<Option<UserId>> = users.iter().map(|user| self.known(app, user, now)).collect();
        let missing: Vec<&UserRef> =
            users.iter().zip(&known).filter(|(_, id)| id.is_none()).map(|(user, _)| user).collect();
        if missing.is_empty() {
            return Ok(known.into_iter().flatten().collect());
        }
        let request = pb::ResolveUsersRequest {
            users: missing.iter().map(|user| pb::UserRef::from((*user).clone())).collect(),
            intern_unknown: intern,
            or_deleted: false,
        };
        let answer = Box::pin(self.client.clone().resolve_users(as_app(caller, request))).await;
        let found = answer.map_err(error_from_status)?.into_inner().users;
        for (user, found) in missing.into_iter().zip(&found) {
            self.users.insert((users_of(app), user.clone()), UserId(found.id), now);
        }
        let mut found = found.into_iter().map(|user| UserId(user.id));
        known
            .into_iter()
            .map(|id| id.or_else(|| found.next()))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Error::internal("the directory returned fewer users than requested"))
    }

    /// What `user` may do in the groups and rooms, in the order of the request; `None` where there is no such group.
    pub async fn memberships(
        &self,
        caller: &Caller,
        user: UserId,
        groups: &[i64],
    ) -> Result<Vec<Option<Membership>>, Error> {
        let now = self.steady();
        let key = |group: i64| (caller.app.0, user.0, group);
        let mut known: Vec<Option<Membership>> =
            groups.iter().map(|group| self.memberships.get(&key(*group), now)).collect();
        let missing: Vec<i64> =
            groups.iter().zip(&known).filter(|(_, found)| found.is_none()).map(|(group, _)| *group).collect();
        if missing.is_empty() {
            return Ok(known);
        }
        let request = internal::MembershipsRequest { user_id: Some(user.0), group_ids: missing };
        let answer = Box::pin(self.internal.clone().memberships(as_app(caller, request))).await;
        for wire in answer.map_err(error_from_status)?.into_inner().memberships {
            let membership = Membership::try_from(wire)?;
            if membership.role.is_some() || user == UserId::ADMIN {
                self.memberships.insert(key(membership.group), membership, now);
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

    /// The receivers who have blocked the sender and, with `contacts_only`, those who are not contacts of the sender.
    pub async fn unwelcoming(
        &self,
        caller: &Caller,
        sender: UserId,
        receivers: &[UserId],
        contacts_only: bool,
    ) -> Result<RefusingReceivers, Error> {
        let now = self.steady();
        let key = |receiver: UserId| ((caller.app.0, sender.0, receiver.0), contacts_only);
        let is_known = |receiver: UserId| receiver == UserId::ADMIN || self.welcome.get(&key(receiver), now).is_some();
        let missing: Vec<UserId> = receivers.iter().copied().filter(|receiver| !is_known(*receiver)).collect();
        if missing.is_empty() {
            return Ok(RefusingReceivers::default());
        }
        let by_ids = missing.iter().map(|receiver| receiver.0).collect();
        let request = internal::BlockedByRequest { user_id: Some(sender.0), by_ids, contacts_only };
        let answer = Box::pin(self.internal.clone().blocked_by(as_app(caller, request))).await;
        let found = answer.map_err(error_from_status)?.into_inner();
        if found.by_ids.is_empty() && found.stranger_ids.is_empty() {
            for receiver in missing {
                self.welcome.insert(key(receiver), (), now);
            }
        }
        let users = |ids: Vec<i64>| ids.into_iter().map(UserId).collect();
        Ok(RefusingReceivers { blockers: users(found.by_ids), strangers: users(found.stranger_ids) })
    }

    /// The current time for entries of this cache: it is monotonic and not a time of day.
    fn steady(&self) -> UnixMillis {
        UnixMillis(0) + self.clock.elapsed()
    }

    fn known(&self, app: &App, user: &UserRef, now: UnixMillis) -> Option<UserId> {
        if *user == UserRef::Id(UserId::ADMIN) {
            return Some(UserId::ADMIN);
        }
        self.users.get(&(users_of(app), user.clone()), now)
    }
}

const fn users_of(app: &App) -> AppUsers {
    (app.id.0, app.users_version)
}
