//! Every statement of this service.

pub mod change;
pub mod event;
pub mod head;
pub mod key;
pub mod lane;
pub mod lease;
pub mod log;
pub mod read;

use tidings_store::Engine;

/// Every statement text on that engine, for a test that prepares them all.
pub fn statements(engine: Engine) -> Vec<String> {
    let single = [change::ALL, key::ALL, lease::ALL, read::ALL].concat();
    let many = [event::many(), head::many(), key::many(), lane::many(), log::many()].concat();
    let many = many.into_iter().flat_map(|statement| statement.texts(engine));
    let lookups = [head::lookup(), key::lookup(), read::lookup()];
    let lookups = lookups.into_iter().flat_map(|statement| statement.texts(engine));
    let gathers = read::gathers().into_iter().map(|gather| gather.text(engine));
    single.into_iter().map(str::to_owned).chain(many).chain(lookups).chain(gathers).collect()
}
