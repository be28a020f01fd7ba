//! `tidings migrate`: migrates every service's tables.

use tidings_domain::Error;
use tidings_runtime::{Config, DataFolder};
use tidings_store::Schema;

use crate::running::location;

/// Every service's tables.
pub const SCHEMAS: [&Schema; 5] = [
    &tidings_directory::SCHEMA,
    &tidings_message::SCHEMA,
    &tidings_conversation::SCHEMA,
    &tidings_file::SCHEMA,
    &tidings_callback::SCHEMA,
];

/// Applies every migration that a database has not had.
pub async fn migrate(config: &Config) -> Result<(), Error> {
    let _folder = match config.database.url {
        Some(_) => None,
        None => Some(DataFolder::lock(&config.data)?),
    };
    for schema in SCHEMAS {
        let db = tidings_store::open(&location(config), schema, true).await?;
        db.close().await;
        tracing::info!(service = schema.name, "tables are up to date");
    }
    Ok(())
}
