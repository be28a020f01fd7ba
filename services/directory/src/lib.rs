//! The directory: apps, users and their credentials (secrets, passwords, tokens).
//!
//! `grpc` is the API, `app` the use-cases (one per file), `store` the SQL.

mod access_token2;
mod app;
mod app_cache;
mod breaker;
mod convert;
mod dynamic_token;
mod grpc;
mod guesses;
mod model;
mod network;
mod password;
mod queue;
mod quotas;
mod registrations;
mod seal;
mod secret;
mod store;
mod token;
mod windows;

use std::{fmt, sync::Arc};

use tidings_domain::{AppId, Clock, Entropy, Error};
use tidings_outbound::Outbound;
use tidings_runtime::{Bus, Sealed, Tasks};
use tidings_store::{AppRows, Db, Engine, Schema};

use crate::{
    app::Core, app_cache::AppCache, breaker::Breaker, guesses::Guesses, password::Passwords, quotas::Quotas,
    registrations::Registrations, seal::DataKey,
};

/// The directory's tables.
pub const SCHEMA: Schema = Schema {
    name: "directory",
    sqlite: &[
        include_str!("../migrations/sqlite/0001_init.sql"),
        include_str!("../migrations/sqlite/0002_groups.sql"),
        include_str!("../migrations/sqlite/0003_uuid.sql"),
        include_str!("../migrations/sqlite/0004_screening.sql"),
        include_str!("../migrations/sqlite/0005_void_tokens.sql"),
        include_str!("../migrations/sqlite/0006_shown_files.sql"),
        include_str!("../migrations/sqlite/0007_plans.sql"),
        include_str!("../migrations/sqlite/0008_users_version.sql"),
        include_str!("../migrations/sqlite/0009_people.sql"),
        include_str!("../migrations/sqlite/0010_connected_sessions.sql"),
        include_str!("../migrations/sqlite/0011_service_accounts.sql"),
        include_str!("../migrations/sqlite/0012_hook_subjects.sql"),
        include_str!("../migrations/sqlite/0013_presence_due.sql"),
        include_str!("../migrations/sqlite/0014_agora_app_id.sql"),
        include_str!("../migrations/sqlite/0015_notification_setting.sql"),
        include_str!("../migrations/sqlite/0016_single_sessions.sql"),
    ],
    postgres: &[
        include_str!("../migrations/postgres/0001_init.sql"),
        include_str!("../migrations/postgres/0002_groups.sql"),
        include_str!("../migrations/postgres/0003_uuid.sql"),
        include_str!("../migrations/postgres/0004_screening.sql"),
        include_str!("../migrations/postgres/0005_void_tokens.sql"),
        include_str!("../migrations/postgres/0006_shown_files.sql"),
        include_str!("../migrations/postgres/0007_plans.sql"),
        include_str!("../migrations/postgres/0008_users_version.sql"),
        include_str!("../migrations/postgres/0009_people.sql"),
        include_str!("../migrations/postgres/0010_connected_sessions.sql"),
        include_str!("../migrations/postgres/0011_service_accounts.sql"),
        include_str!("../migrations/postgres/0012_hook_subjects.sql"),
        include_str!("../migrations/postgres/0013_presence_due.sql"),
        include_str!("../migrations/postgres/0014_agora_app_id.sql"),
        include_str!("../migrations/postgres/0015_notification_setting.sql"),
        include_str!("../migrations/postgres/0016_single_sessions.sql"),
    ],
};

/// The dependencies of the directory.
pub struct Deps {
    /// Opened with [`SCHEMA`].
    pub db: Db,
    /// The clock: expiry of tokens, overlaps and guess limits.
    pub clock: Arc<dyn Clock>,
    /// Source of secrets, salts, nonces and uuids.
    pub entropy: Arc<dyn Entropy>,
    /// Hints that changes were committed, here and in other processes.
    pub bus: Arc<dyn Bus>,
    /// Runs the workers.
    pub tasks: Tasks,
    /// Encrypts the secrets at rest. If it is lost, so are every app's secrets.
    pub data_key: [u8; 32],
}

impl fmt::Debug for Deps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deps").field("db", &self.db).finish_non_exhaustive()
    }
}

/// The gRPC service. Cheap to clone.
#[derive(Clone)]
pub struct Directory {
    core: Arc<Core>,
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Directory")
    }
}

/// Idle connections to one server of an app that are kept open.
const IDLE: usize = 16;

/// The service, with its workers running.
pub fn build(deps: Deps) -> Result<Directory, Error> {
    let core = Core {
        apps: AppCache::new(),
        passwords: Passwords::new(Arc::clone(&deps.entropy)),
        guesses: Guesses::new(),
        registrations: Registrations::new(),
        quotas: Quotas::default(),
        outbound: Outbound::new(IDLE)?,
        breaker: Breaker::default(),
        data_key: DataKey::new(&deps.data_key),
        db: deps.db,
        clock: deps.clock,
        entropy: deps.entropy,
        bus: deps.bus,
    };
    let core = Arc::new(core);
    app::spawn_sweep(&core, &deps.tasks);
    app::spawn_notify_presence(&core, &deps.tasks);
    app::spawn_hint_at_changes(&core, &deps.tasks);
    Ok(Directory { core })
}

/// Some secrets of the database as stored, to check whether a data key is the right one.
pub async fn sealed(db: &Db) -> Result<Vec<Sealed>, Error> {
    store::app::sealed(db, 10).await
}

/// Every statement sent to `engine`, to be prepared by a test.
#[doc(hidden)]
pub fn statements(engine: Engine) -> Vec<String> {
    store::statements(engine)
}

/// What this service stores for each app.
pub fn app_rows() -> AppRows {
    store::app_rows()
}

/// An app in the tables of the directory.
#[derive(Debug, Clone)]
pub struct StoredApp {
    /// Its number.
    pub id: AppId,
    /// As `org/app`.
    pub name: String,
    /// Its data is removed after a while.
    pub is_deleted: bool,
}

/// Every app, by number, for commands that read the tables.
pub async fn stored_apps(db: &Db) -> Result<Vec<StoredApp>, Error> {
    const PAGE: i64 = 500;
    let (mut apps, mut after) = (Vec::new(), AppId(i64::MIN));
    loop {
        let page = store::app::every(db, after, PAGE).await?;
        let Some((last, ..)) = page.last() else { return Ok(apps) };
        after = *last;
        apps.extend(page.into_iter().map(|(id, name, is_deleted)| StoredApp { id, name, is_deleted }));
    }
}
