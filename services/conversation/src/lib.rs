//! Each user's view of the log: lists, unread counts, cursors, deletion, pins.
//!
//! This service keeps positions and pins and nothing else; what lies between them it asks the message service.

mod app;
mod grpc;
mod store;

use std::sync::Arc;

use tidings_proto::pb::message_service_client::MessageServiceClient;
use tidings_runtime::{DirectoryCache, Wire};
use tidings_store::{Db, Schema};

pub use grpc::ConversationGrpc;
pub use store::statements;

/// The tables of this service.
pub const SCHEMA: Schema = Schema {
    name: "conversation",
    sqlite: &[include_str!("../migrations/sqlite/0001_init.sql"), include_str!("../migrations/sqlite/0002_pins.sql")],
    postgres: &[
        include_str!("../migrations/postgres/0001_init.sql"),
        include_str!("../migrations/postgres/0002_pins.sql"),
    ],
};

/// What the service needs.
#[derive(Debug, Clone)]
pub struct Deps {
    /// Its database, migrated.
    pub db: Db,
    /// Who exists.
    pub directory: DirectoryCache,
    /// The log.
    pub message: MessageServiceClient<Wire>,
}

/// The service.
pub fn build(deps: Deps) -> ConversationGrpc {
    ConversationGrpc::new(Arc::new(deps))
}
