//! Every statement of this service.

pub mod file;
pub mod unclaimed;
pub mod upload_count;
pub mod verify;

use tidings_store::Engine;

/// Every statement text on that engine, for a test that prepares them all.
pub fn statements(engine: Engine) -> Vec<String> {
    let single = [file::ALL, unclaimed::ALL, upload_count::ALL, verify::ALL].concat().into_iter().map(str::to_owned);
    single.chain(file::lookups().into_iter().flat_map(|statement| statement.texts(engine))).collect()
}
