//! Every statement of this service.

pub mod delivery;
pub mod endpoint;

use tidings_store::Engine;

/// Every statement text on that engine, for a test that prepares them all.
pub fn statements(engine: Engine) -> Vec<String> {
    let single = [endpoint::ALL, delivery::ALL].concat().into_iter().map(str::to_owned);
    single.chain(delivery::many().into_iter().flat_map(|statement| statement.texts(engine))).collect()
}
