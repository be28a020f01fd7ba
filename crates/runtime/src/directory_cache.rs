//! Answers of the directory that other services ask for at every call.
//!
//! An entry is used for a few seconds at most, so a change in the directory (a disabled app, a new policy, a deleted
//! user) is seen everywhere within [`KEEP`]. Refusals are never kept.

use std::{sync::Arc, time::Duration};

use quick_cache::sync::Cache;
use tidings_domain::{App, Caller, Clock, Error, Reason, UnixMillis, UserId, UserRef};
use tidings_proto::{
    error_from_status,
    pb::{self, app_ref, directory_service_client::DirectoryServiceClient},
};
use tonic::Request;

use crate::{Wire, context, context::Scope};

/// How long an answer is used.
const KEEP: Duration = Duration::from_secs(5);
const APPS: usize = 1_000;
const USERS: usize = 100_000;

/// An app and when it was read.
type KeptApp = (Arc<App>, UnixMillis);

/// A caching client of the directory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DirectoryCache {
    client: DirectoryServiceClient<Wire>,
    clock: Arc<dyn Clock>,
    apps: Arc<Cache<AppName, KeptApp>>,
    users: Arc<Cache<(i64, UserRef), (UserId, UnixMillis)>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum AppName {
    Id(i64),
    Key(String),
}

impl DirectoryCache {
    /// A cache in front of `client`.
    pub fn new(client: DirectoryServiceClient<Wire>, clock: Arc<dyn Clock>) -> Self {
        Self { client, clock, apps: Arc::new(Cache::new(APPS)), users: Arc::new(Cache::new(USERS)) }
    }

    /// The caller of an RPC and its app, which must exist and be enabled.
    pub async fn caller<T>(&self, request: &Request<T>) -> Result<(Caller, Arc<App>), Error> {
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
        Ok((scope.caller(app.id), app))
    }

    async fn app(&self, name: AppName, scope: &Scope) -> Result<Arc<App>, Error> {
        let now = self.clock.now();
        if let Some((app, read_at)) = self.apps.get(&name)
            && fresh(read_at, now)
        {
            return Ok(app);
        }
        let answer = self.client.clone().get_app(scope.app.clone()).await.map_err(error_from_status)?;
        let app = Arc::new(App::try_from(answer.into_inner())?);
        self.apps.insert(name, (Arc::clone(&app), now));
        Ok(app)
    }

    /// The users' ids in the order asked. Names that nobody registered are taken down when `take_down` says so, else
    /// the first unknown user is an error.
    pub async fn users(&self, caller: &Caller, users: &[UserRef], take_down: bool) -> Result<Vec<UserId>, Error> {
        let now = self.clock.now();
        let known: Vec<Option<UserId>> = users.iter().map(|user| self.known(caller, user, now)).collect();
        let missing: Vec<&UserRef> =
            users.iter().zip(&known).filter(|(_, id)| id.is_none()).map(|(user, _)| user).collect();
        if missing.is_empty() {
            return Ok(known.into_iter().flatten().collect());
        }
        let asked = pb::ResolveUsersRequest {
            users: missing.iter().map(|user| pb::UserRef::from((*user).clone())).collect(),
            take_down_unknown: take_down,
        };
        let answer = self.client.clone().resolve_users(context::request(caller, asked)).await;
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

    fn known(&self, caller: &Caller, user: &UserRef, now: UnixMillis) -> Option<UserId> {
        if *user == UserRef::Id(UserId::ADMIN) {
            return Some(UserId::ADMIN);
        }
        let (id, read_at) = self.users.get(&(caller.app.0, user.clone()))?;
        fresh(read_at, now).then_some(id)
    }
}

/// An answer from the future, after the clock was set back, is not fresh.
fn fresh(read_at: UnixMillis, now: UnixMillis) -> bool {
    now >= read_at && now - read_at < KEEP
}
