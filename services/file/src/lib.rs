//! Files: upload, download, thumbnails, expiry.
//!
//! Bytes are in an object store, descriptions in SQL. A description is written once the bytes are on disk, so it never
//! refers to missing bytes; the remains of unfinished uploads are swept up.

mod app;
mod grpc;
pub mod kept;
mod kind;
mod objects;
mod store;
mod thumbnail;
mod video;

use std::sync::Arc;

use tidings_directory_client::DirectoryCache;
use tidings_domain::{Clock, Entropy, Error};
use tidings_runtime::Tasks;
use tidings_store::{Db, Schema};

pub use grpc::FileGrpc;
pub use objects::Objects;
pub use store::statements;

/// The tables of this service.
pub const SCHEMA: Schema = Schema {
    name: "file",
    sqlite: &[
        include_str!("../migrations/sqlite/0001_init.sql"),
        include_str!("../migrations/sqlite/0002_sides.sql"),
        include_str!("../migrations/sqlite/0003_owners.sql"),
    ],
    postgres: &[
        include_str!("../migrations/postgres/0001_init.sql"),
        include_str!("../migrations/postgres/0002_sides.sql"),
        include_str!("../migrations/postgres/0003_owners.sql"),
    ],
};

/// The dependencies of the service.
#[derive(Debug, Clone)]
pub struct Deps {
    /// Its database, migrated.
    pub db: Db,
    /// The object store.
    pub objects: Objects,
    /// Apps and users.
    pub directory: DirectoryCache,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for unguessable names.
    pub entropy: Arc<dyn Entropy>,
    /// Runs the sweeper.
    pub tasks: Tasks,
}

/// The service, with its sweeper running.
pub fn build(deps: Deps) -> Result<FileGrpc, Error> {
    let core = Arc::new(app::Core::new(deps)?);
    app::sweep::spawn(&core);
    Ok(FileGrpc::new(core))
}
