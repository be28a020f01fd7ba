//! Each user's view of the log: lists, unread counts, cursors, deletion, pins, marks, readers, positions of devices.
//!
//! This service stores cursors, pins, marks and positions; for messages it calls the message service, to which it reports what was read.

mod app;
mod grpc;
mod readers;
mod store;

use std::sync::Arc;

use tidings_directory_client::DirectoryCache;
use tidings_domain::Clock;
use tidings_proto::{
    internal::message_internal_service_client::MessageInternalServiceClient,
    pb::message_service_client::MessageServiceClient,
};
use tidings_runtime::{Tasks, Wire};
use tidings_store::{Db, Schema};
use tokio::sync::Notify;

pub use grpc::ConversationGrpc;
pub use readers::{Reader, readers};
pub use store::{
    app_rows,
    marks_of_app::{Mark, page as marks},
    statements,
};

/// The tables of this service.
pub const SCHEMA: Schema = Schema {
    name: "conversation",
    sqlite: &[
        include_str!("../migrations/sqlite/0001_init.sql"),
        include_str!("../migrations/sqlite/0002_pins.sql"),
        include_str!("../migrations/sqlite/0003_read_reports.sql"),
        include_str!("../migrations/sqlite/0004_marks.sql"),
        include_str!("../migrations/sqlite/0005_delivered_reports.sql"),
        include_str!("../migrations/sqlite/0006_device_positions.sql"),
        include_str!("../migrations/sqlite/0007_pin_reports.sql"),
    ],
    postgres: &[
        include_str!("../migrations/postgres/0001_init.sql"),
        include_str!("../migrations/postgres/0002_pins.sql"),
        include_str!("../migrations/postgres/0003_read_reports.sql"),
        include_str!("../migrations/postgres/0004_marks.sql"),
        include_str!("../migrations/postgres/0005_delivered_reports.sql"),
        include_str!("../migrations/postgres/0006_device_positions.sql"),
        include_str!("../migrations/postgres/0007_pin_reports.sql"),
    ],
};

/// The dependencies of the service.
#[derive(Debug, Clone)]
pub struct Deps {
    /// Its database, migrated.
    pub db: Db,
    /// Apps and users.
    pub directory: DirectoryCache,
    /// The log.
    pub message: MessageServiceClient<Wire>,
    /// The calls of the log that are for this service only.
    pub message_internal: MessageInternalServiceClient<Wire>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Signalled when a read mark has moved.
    pub read: Arc<Notify>,
    /// Signalled when a delivered mark has moved.
    pub delivered: Arc<Notify>,
    /// Signalled when a message was pinned or unpinned.
    pub pinned: Arc<Notify>,
    /// Runs the worker.
    pub tasks: Tasks,
}

/// The service, with its worker running.
pub fn build(deps: Deps) -> ConversationGrpc {
    let deps = Arc::new(deps);
    app::report::spawn(&deps);
    ConversationGrpc::new(deps)
}
