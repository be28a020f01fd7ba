//! Every statement of this service.

pub mod delivery;
pub mod endpoint;
pub mod endpoint_lease;
pub mod worker;

use tidings_store::Engine;

/// Every statement text on that engine, for a test that prepares them all.
pub fn statements(engine: Engine) -> Vec<String> {
    let single = [endpoint::ALL, endpoint_lease::ALL, worker::ALL, delivery::ALL].concat();
    let many = delivery::many().into_iter().chain(endpoint_lease::many()).flat_map(|statement| statement.texts(engine));
    let gathers = endpoint_lease::gathers().into_iter().flat_map(|statement| statement.texts(engine));
    single.into_iter().map(str::to_owned).chain(many).chain(gathers).collect()
}
