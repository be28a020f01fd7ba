//! A directory on a fresh database of either engine, with a stopped clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tempfile::TempDir;
use tidings_directory::{Deps, Directory, SCHEMA};
use tidings_domain::{ManualClock, OsEntropy, Reason, UnixMillis};
use tidings_proto::{
    error_from_status,
    pb::{self, app_ref, directory_service_server::DirectoryService as _, issue_token_request, registered, user_ref},
};
use tidings_runtime::{LocalBus, Tasks};
use tidings_store::{Db, Location, on_tx, open, sqlx};
use tonic::{Request, Response, Status};

pub const START: UnixMillis = UnixMillis(1_700_000_000_000);
pub const FIRST_USER: i64 = 1_000_000 << 4;

/// Generates two tests of each fact: `sqlite::fact` and `postgres::fact`.
macro_rules! on_both_engines {
    ($($fact:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $fact() { super::$fact(crate::suite::Suite::sqlite().await).await; })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $fact() { super::$fact(crate::suite::Suite::postgres().await).await; })*
        }
    };
}
pub(crate) use on_both_engines;

pub struct Suite {
    pub directory: Directory,
    pub db: Db,
    pub clock: Arc<ManualClock>,
    _folder: Option<TempDir>,
}

impl Suite {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Folder(folder.path().to_owned());
        Self::start(&location, Some(folder)).await
    }

    pub async fn postgres() -> Self {
        Self::start(&Location::Postgres(fresh_postgres().await), None).await
    }

    async fn start(location: &Location, folder: Option<TempDir>) -> Self {
        let db = open(location, &SCHEMA, true).await.unwrap();
        let clock = Arc::new(ManualClock::new(START));
        let suite = Self { directory: directory(&db, &clock), db, clock, _folder: folder };
        suite.create_app("acme", "lobby").await;
        suite
    }

    /// Another process on the same database.
    pub fn other_process(&self) -> Directory {
        directory(&self.db, &self.clock)
    }

    pub fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    pub async fn create_app(&self, org: &str, name: &str) -> pb::AppWithSecrets {
        let request = pb::CreateAppRequest { org: org.to_owned(), name: name.to_owned(), ..Default::default() };
        ok(self.directory.create_app(Request::new(request)).await)
    }

    pub async fn reveal(&self, app: pb::AppRef) -> pb::AppWithSecrets {
        ok(self.directory.reveal_app(Request::new(pb::RevealAppRequest { app: Some(app) })).await)
    }

    /// Registers a user of `acme#lobby`.
    pub async fn register(&self, username: &str, password: &str) -> Result<pb::User, pb::RegisterFailure> {
        self.register_many(&[(username, password)]).await.remove(0)
    }

    pub async fn register_many(&self, users: &[(&str, &str)]) -> Vec<Result<pb::User, pb::RegisterFailure>> {
        let reply = self.directory.register_users(in_lobby(registration(users))).await;
        ok(reply).results.into_iter().map(outcome).collect()
    }

    pub async fn resolve(&self, users: &[pb::UserRef], intern_unknown: bool) -> Result<Vec<pb::User>, Reason> {
        let request = pb::ResolveUsersRequest { users: users.to_vec(), intern_unknown, ..Default::default() };
        let reply = self.directory.resolve_users(in_lobby(request)).await;
        reply.map(|reply| reply.into_inner().users).map_err(reason)
    }

    pub async fn get_user(&self, user: pb::UserRef) -> Result<pb::User, Reason> {
        let request = in_lobby(pb::GetUserRequest { user: Some(user) });
        self.directory.get_user(request).await.map(Response::into_inner).map_err(reason)
    }

    pub async fn delete_user(&self, user: pb::UserRef) -> Result<pb::User, Reason> {
        let request = in_lobby(pb::DeleteUserRequest { user: Some(user) });
        self.directory.delete_user(request).await.map(Response::into_inner).map_err(reason)
    }

    pub async fn list_users(&self, page_token: &str, page_size: i32) -> Result<pb::ListUsersResponse, Reason> {
        let request = in_lobby(pb::ListUsersRequest { page_size, page_token: page_token.to_owned() });
        self.directory.list_users(request).await.map(Response::into_inner).map_err(reason)
    }

    pub async fn issue(&self, grant: issue_token_request::Grant) -> Result<pb::Token, Reason> {
        self.issue_from(grant, None, "192.0.2.1").await
    }

    pub async fn issue_from(
        &self,
        grant: issue_token_request::Grant,
        ttl_seconds: Option<i64>,
        address: &str,
    ) -> Result<pb::Token, Reason> {
        let request = pb::IssueTokenRequest {
            app: Some(lobby()),
            grant: Some(grant),
            ttl_seconds,
            peer_address: address.to_owned(),
        };
        self.directory.issue_token(Request::new(request)).await.map(Response::into_inner).map_err(reason)
    }

    pub async fn authenticate(&self, token: &str) -> Result<pb::Identity, Reason> {
        self.authenticate_for(lobby(), token).await
    }

    pub async fn authenticate_for(&self, app: pb::AppRef, token: &str) -> Result<pb::Identity, Reason> {
        authenticate(&self.directory, app, token).await
    }

    pub async fn set_policy(&self, policy: pb::Policy) -> Result<pb::App, Reason> {
        let request = pb::SetPolicyRequest { app: Some(lobby()), policy: Some(policy) };
        self.directory.set_policy(Request::new(request)).await.map(Response::into_inner).map_err(reason)
    }

    pub async fn set_enabled(&self, enabled: bool) -> pb::App {
        let request = pb::SetAppEnabledRequest { app: Some(lobby()), enabled };
        ok(self.directory.set_app_enabled(Request::new(request)).await)
    }

    pub async fn rotate(&self, kind: pb::SecretKind) -> pb::AppWithSecrets {
        let request = pb::RotateSecretRequest { app: Some(lobby()), kind: kind.into() };
        ok(self.directory.rotate_secret(Request::new(request)).await)
    }

    /// How many rows `table` has; a condition may follow its name.
    pub async fn count(&self, table: &str) -> i64 {
        let statement = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        let mut tx = self.db.begin().await.unwrap();
        on_tx!(&mut tx, |c| sqlx::query_scalar(statement).fetch_one(c).await).unwrap()
    }

    /// Runs a statement directly on the database, for states that no call leads to yet.
    pub async fn execute(&self, statement: &'static str) {
        let mut tx = self.db.begin().await.unwrap();
        on_tx!(&mut tx, |c| sqlx::query(statement).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
    }
}

fn directory(db: &Db, clock: &Arc<ManualClock>) -> Directory {
    let clock = Arc::clone(clock);
    tidings_directory::build(Deps {
        db: db.clone(),
        clock,
        entropy: Arc::new(OsEntropy),
        bus: Arc::new(LocalBus::default()),
        tasks: Tasks::default(),
        data_key: [7; 32],
    })
    .unwrap()
}

/// A database of its own on the server that the test command names.
async fn fresh_postgres() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let Ok(url) = std::env::var("TIDINGS_TEST_POSTGRES") else {
        panic!("TIDINGS_TEST_POSTGRES is not set: run through `cargo xtask test`");
    };
    let name = format!("directory_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let mut admin = <sqlx::PgConnection as sqlx::Connection>::connect(&url).await.unwrap();
    for statement in [format!("drop database if exists {name}"), format!("create database {name}")] {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut admin).await.unwrap();
    }
    let (server, query) = url.split_once('?').map_or((url.as_str(), None), |(server, query)| (server, Some(query)));
    let server = match server.splitn(4, '/').collect::<Vec<_>>()[..] {
        [scheme, empty, host, ..] => format!("{scheme}/{empty}/{host}"),
        _ => panic!("TIDINGS_TEST_POSTGRES must be a postgres:// URL"),
    };
    query.map_or(format!("{server}/{name}"), |query| format!("{server}/{name}?{query}"))
}

pub async fn authenticate(directory: &Directory, app: pb::AppRef, token: &str) -> Result<pb::Identity, Reason> {
    let request = pb::AuthenticateRequest { app: Some(app), token: token.to_owned() };
    directory.authenticate(Request::new(request)).await.map(Response::into_inner).map_err(reason)
}

pub fn registration(users: &[(&str, &str)]) -> pb::RegisterUsersRequest {
    let user = |(username, password): &(&str, &str)| pb::NewUser {
        username: (*username).to_owned(),
        password: (*password).to_owned(),
        nickname: String::new(),
    };
    pb::RegisterUsersRequest { users: users.iter().map(user).collect(), name_rule: 0, is_open: false }
}

pub fn outcome(registered: pb::Registered) -> Result<pb::User, pb::RegisterFailure> {
    match registered.result.unwrap() {
        registered::Result::User(user) => Ok(user),
        registered::Result::Failure(failure) => Err(failure),
    }
}

pub fn client_credentials(client_id: &str, client_secret: &str) -> issue_token_request::Grant {
    let (client_id, client_secret) = (client_id.to_owned(), client_secret.to_owned());
    issue_token_request::Grant::ClientCredentials(pb::ClientCredentials { client_id, client_secret })
}

pub fn password(user: pb::UserRef, password: &str) -> issue_token_request::Grant {
    issue_token_request::Grant::Password(pb::Password { user: Some(user), password: password.to_owned() })
}

pub fn inherit(user: pb::UserRef, create: bool) -> issue_token_request::Grant {
    issue_token_request::Grant::Inherit(pb::Inherit { user: Some(user), create })
}

pub fn name(username: &str) -> pb::UserRef {
    pb::UserRef { user: Some(user_ref::User::Username(username.to_owned())) }
}

pub fn id(user_id: i64) -> pb::UserRef {
    pb::UserRef { user: Some(user_ref::User::UserId(user_id)) }
}

pub fn app_key(key: &str) -> pb::AppRef {
    pb::AppRef { app: Some(app_ref::App::AppKey(key.to_owned())) }
}

pub fn app_id(id: i64) -> pb::AppRef {
    pb::AppRef { app: Some(app_ref::App::Id(id)) }
}

pub fn lobby() -> pb::AppRef {
    app_key("acme#lobby")
}

/// A request about the users of `acme#lobby`.
pub fn in_lobby<T>(message: T) -> Request<T> {
    in_app("acme#lobby", message)
}

pub fn in_app<T>(app: &'static str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("tidings-app", app.parse().unwrap());
    request
}

pub fn ok<T>(reply: Result<Response<T>, Status>) -> T {
    reply.unwrap().into_inner()
}

pub fn reason(status: Status) -> Reason {
    error_from_status(status).reason()
}

pub fn error<T: std::fmt::Debug>(reply: Result<Response<T>, Status>) -> (Reason, String) {
    let error = error_from_status(reply.unwrap_err());
    (error.reason(), error.subject().to_owned())
}
