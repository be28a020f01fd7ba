//! The log: send, page, find and count messages.
//!
//! [`build`] returns the gRPC service and starts the writers behind it. It calls the directory for apps, users and
//! groups, and no other service on the send path.

mod app;
mod appender;
mod checksum;
mod content;
mod edited;
pub mod explain;
mod grpc;
mod origin;
mod reacted;
mod row_options;
mod screening;
mod store;
pub mod verify;

use std::sync::Arc;

use tidings_directory_client::DirectoryCache;
use tidings_domain::{Clock, Error};
use tidings_proto::{
    internal::file_internal_service_client::FileInternalServiceClient, pb::file_service_client::FileServiceClient,
};
use tidings_runtime::{Bus, Tasks, Wire, config};
use tidings_store::{Db, Schema};
use tokio::sync::Notify;

pub use grpc::MessageGrpc;
pub use screening::Screens;
pub use store::{app_rows, statements};

/// The tables of this service.
pub const SCHEMA: Schema = Schema {
    name: "message",
    sqlite: &[
        include_str!("../migrations/sqlite/0001_init.sql"),
        include_str!("../migrations/sqlite/0002_by_id.sql"),
        include_str!("../migrations/sqlite/0003_groups.sql"),
        include_str!("../migrations/sqlite/0004_history.sql"),
        include_str!("../migrations/sqlite/0005_exports.sql"),
        include_str!("../migrations/sqlite/0006_files.sql"),
        include_str!("../migrations/sqlite/0007_origin.sql"),
        include_str!("../migrations/sqlite/0008_refused.sql"),
        include_str!("../migrations/sqlite/0009_purged_events.sql"),
        include_str!("../migrations/sqlite/0010_file_owners.sql"),
        include_str!("../migrations/sqlite/0011_failed_broadcasts.sql"),
        include_str!("../migrations/sqlite/0012_plans.sql"),
        include_str!("../migrations/sqlite/0013_clocks.sql"),
        include_str!("../migrations/sqlite/0014_listed.sql"),
        include_str!("../migrations/sqlite/0015_event_edits.sql"),
        include_str!("../migrations/sqlite/0016_reactions.sql"),
        include_str!("../migrations/sqlite/0017_events_by_conversation.sql"),
        include_str!("../migrations/sqlite/0018_notices.sql"),
        include_str!("../migrations/sqlite/0019_checksums.sql"),
    ],
    postgres: &[
        include_str!("../migrations/postgres/0001_init.sql"),
        include_str!("../migrations/postgres/0002_by_id.sql"),
        include_str!("../migrations/postgres/0003_groups.sql"),
        include_str!("../migrations/postgres/0004_history.sql"),
        include_str!("../migrations/postgres/0005_exports.sql"),
        include_str!("../migrations/postgres/0006_files.sql"),
        include_str!("../migrations/postgres/0007_origin.sql"),
        include_str!("../migrations/postgres/0008_refused.sql"),
        include_str!("../migrations/postgres/0009_purged_events.sql"),
        include_str!("../migrations/postgres/0010_file_owners.sql"),
        include_str!("../migrations/postgres/0011_failed_broadcasts.sql"),
        include_str!("../migrations/postgres/0012_plans.sql"),
        include_str!("../migrations/postgres/0013_clocks.sql"),
        include_str!("../migrations/postgres/0014_listed.sql"),
        include_str!("../migrations/postgres/0015_event_edits.sql"),
        include_str!("../migrations/postgres/0016_reactions.sql"),
        include_str!("../migrations/postgres/0017_events_by_conversation.sql"),
        include_str!("../migrations/postgres/0018_notices.sql"),
        include_str!("../migrations/postgres/0019_checksums.sql"),
    ],
};

/// The dependencies of the service.
#[derive(Debug, Clone)]
pub struct Deps {
    /// Its database, migrated.
    pub db: Db,
    /// Apps and users.
    pub directory: DirectoryCache,
    /// What apps screen before a message is sent.
    pub screens: Arc<Screens>,
    /// Where exports are stored.
    pub files: FileServiceClient<Wire>,
    /// The calls of the file service that are for this service only.
    pub files_internal: FileInternalServiceClient<Wire>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Hints that events were committed, here and in other processes.
    pub bus: Arc<dyn Bus>,
    /// The settings of the writers.
    pub appender: config::Appender,
    /// Runs the writers and the other workers. They report there when messages cannot be sent.
    pub tasks: Tasks,
}

/// The service, with its writers running.
pub async fn build(deps: Deps) -> Result<MessageGrpc, Error> {
    let lease = appender::Lease::acquire(deps.db.clone(), Arc::clone(&deps.clock), &deps.tasks).await?;
    let appender = appender::start(&deps, lease);
    let (deps, started) = (Arc::new(deps), Arc::new(Notify::new()));
    app::forget_keys::spawn(&deps);
    app::fetch_changes::spawn(&deps);
    app::purge::spawn(&deps);
    app::run_broadcasts::spawn(&deps, &appender, &started);
    Ok(MessageGrpc::new(deps, appender, started))
}
