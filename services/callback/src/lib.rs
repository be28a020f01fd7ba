//! Notifies apps' servers of events: at least once, in the format of a vendor.
//!
//! Each endpoint follows the event feed with a cursor of its own. Its events become rows, in the transaction that moves
//! the cursor, so a crash loses nothing; then rows are posted, and retried on a schedule of days. A slow or unavailable
//! endpoint delays only itself. Receivers may get an event twice, and compare event ids.

mod app;
mod grpc;
mod kinds;
mod model;
mod of_message;
mod render;
mod store;
mod webhook;
mod worker;

use std::{sync::Arc, time::Duration};

use tidings_directory_client::DirectoryCache;
use tidings_domain::{Clock, Entropy, Error};
use tidings_proto::{
    internal::conversation_internal_service_client::ConversationInternalServiceClient,
    pb::message_service_client::MessageServiceClient,
};
use tidings_runtime::{Sealed, Tasks, Wire};
use tidings_store::{Db, Schema};
use tokio::sync::watch;

pub use grpc::CallbackGrpc;
pub use of_message::{DeliveryOfMessage, deliveries_of};
pub use store::statements;

/// The tables of this service.
pub const SCHEMA: Schema = Schema {
    name: "callback",
    sqlite: &[
        include_str!("../migrations/sqlite/0001_init.sql"),
        include_str!("../migrations/sqlite/0002_rotation_and_leases.sql"),
        include_str!("../migrations/sqlite/0003_untried.sql"),
        include_str!("../migrations/sqlite/0004_plans.sql"),
        include_str!("../migrations/sqlite/0005_workers.sql"),
    ],
    postgres: &[
        include_str!("../migrations/postgres/0001_init.sql"),
        include_str!("../migrations/postgres/0002_rotation_and_leases.sql"),
        include_str!("../migrations/postgres/0003_untried.sql"),
        include_str!("../migrations/postgres/0004_plans.sql"),
        include_str!("../migrations/postgres/0005_workers.sql"),
    ],
};

/// The dependencies of the service.
#[derive(Debug, Clone)]
pub struct Deps {
    /// Its database, migrated.
    pub db: Db,
    /// Apps and users.
    pub directory: DirectoryCache,
    /// The log, with its event feed.
    pub message: MessageServiceClient<Wire>,
    /// Unread counts.
    pub conversation: ConversationInternalServiceClient<Wire>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness: keys, and the jitter of retries.
    pub entropy: Arc<dyn Entropy>,
    /// Seals keys and tokens.
    pub data_key: [u8; 32],
    /// The intervals between attempts.
    pub schedule: Vec<Duration>,
    /// Runs the workers.
    pub tasks: Tasks,
}

/// The service, with its workers running.
pub fn build(deps: Deps) -> Result<CallbackGrpc, Error> {
    let (changed, changes) = watch::channel(());
    let core = Arc::new(app::Core::new(deps, changed)?);
    worker::spawn(&core, changes);
    Ok(CallbackGrpc::new(core))
}

/// Some secrets of the database as stored, to check whether a data key is the right one.
pub async fn sealed(db: &Db) -> Result<Vec<Sealed>, Error> {
    store::endpoint::sealed(db, 10).await
}
