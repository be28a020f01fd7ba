//! Every statement of this service.

pub mod above;
pub mod broadcast;
pub mod event;
pub mod excluded;
pub mod explain;
pub mod export;
pub mod feed;
pub mod file_use;
pub mod head;
pub mod import;
pub mod key;
pub mod lane;
pub mod lease;
pub mod listed;
pub mod log;
pub mod notices;
pub mod place;
pub mod purge;
pub mod reaction;
pub mod read;
pub mod recall_edit;
pub mod since;
pub mod stray;
pub mod verify;
pub mod weight;
pub mod which;

use tidings_store::{AppRows, Engine, Kind};

/// Every statement text on that engine, for a test that prepares them all.
pub fn statements(engine: Engine) -> Vec<String> {
    let single = [
        broadcast::ALL,
        recall_edit::ALL,
        excluded::ALL,
        explain::ALL,
        export::ALL,
        feed::ALL,
        file_use::ALL,
        head::ALL,
        import::ALL,
        key::ALL,
        lane::ALL,
        lease::ALL,
        place::ALL,
        purge::ALL,
        reaction::ALL,
        read::ALL,
        stray::ALL,
        verify::ALL,
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
        stray::many(),
    ]
    .concat();
    let many = many.into_iter().chain([log::many(engine)]).flat_map(|statement| statement.texts(engine));
    let lookups = [
        vec![above::lookup(), head::lookup(), key::lookup(), read::lookup(), stray::lookup()],
        import::lookups(),
        listed::lookups(),
        reaction::lookups(),
        since::lookups(),
        notices::lookups(),
    ]
    .concat();
    let lookups = lookups.into_iter().flat_map(|statement| statement.texts(engine));
    let gathers = read::gathers()
        .into_iter()
        .chain(listed::gathers())
        .chain(purge::gathers())
        .chain(export::gathers())
        .chain(feed::gathers())
        .chain(reaction::gathers())
        .chain(verify::gathers())
        .map(|gather| gather.text(engine));
    single.into_iter().map(str::to_owned).chain(many).chain(lookups).chain(gathers).chain(app_rows().texts()).collect()
}

/// What this service stores for each app.
pub fn app_rows() -> AppRows {
    AppRows::new(&[
        ("idempotency_key", "scope, key", Kind::Text),
        ("broadcast", "broadcast_id", Kind::Int),
        ("export", "hour_start, part", Kind::Int),
        ("late", "conv_a, conv_b, msg_id", Kind::Int),
        ("stray", "conv_a, conv_b, msg_id", Kind::Int),
        ("recalled", "conv_a, conv_b, msg_id", Kind::Int),
        ("excluded", "user_id, conv_a, conv_b, msg_id", Kind::Int),
        ("reaction", "conv_a, conv_b, msg_id, reaction_id", Kind::Int),
        ("reaction_user", "conv_a, conv_b, msg_id, reaction_id, user_id", Kind::Int),
        ("file_use", "conv_a, conv_b, msg_id, uuid", Kind::Int),
        ("released_file", "uuid, user_id", Kind::Text),
        ("unused_file", "uuid", Kind::Text),
        ("kept_file", "uuid", Kind::Text),
        ("event", "lane, event_no", Kind::Int),
        ("message", "conv_a, conv_b, msg_id", Kind::Int),
        ("participant", "user_id, conv_a, conv_b", Kind::Int),
        ("conversation_head", "conv_a, conv_b", Kind::Int),
        ("event_lane", "lane", Kind::Int),
    ])
}
