//! Every statement of this service.

pub mod broadcast;
pub mod change;
pub mod event;
pub mod excluded;
pub mod export;
pub mod feed;
pub mod file_use;
pub mod head;
pub mod import;
pub mod key;
pub mod lane;
pub mod lease;
pub mod log;
pub mod purge;
pub mod read;
pub mod weight;

use tidings_store::Engine;

/// Every statement text on that engine, for a test that prepares them all.
pub fn statements(engine: Engine) -> Vec<String> {
    let single = [
        broadcast::ALL,
        change::ALL,
        excluded::ALL,
        export::ALL,
        feed::ALL,
        file_use::ALL,
        import::ALL,
        key::ALL,
        lane::ALL,
        lease::ALL,
        purge::ALL,
        read::ALL,
        weight::ALL,
    ]
    .concat();
    let many = [
        event::many(),
        excluded::many(),
        file_use::many(),
        head::many(),
        import::many(),
        key::many(),
        lane::many(),
        purge::many(),
    ]
    .concat();
    let many = many.into_iter().chain([log::many(engine)]).flat_map(|statement| statement.texts(engine));
    let lookups = [vec![head::lookup(), key::lookup()], import::lookups(), read::lookups()].concat();
    let lookups = lookups.into_iter().flat_map(|statement| statement.texts(engine));
    let gathers = read::gathers()
        .into_iter()
        .chain(purge::gathers())
        .chain(export::gathers())
        .chain(feed::gathers())
        .map(|gather| gather.text(engine));
    single.into_iter().map(str::to_owned).chain(many).chain(lookups).chain(gathers).collect()
}
