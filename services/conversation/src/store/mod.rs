//! Every statement of this service.

pub mod cursor;
pub mod delivered_report;
pub mod device_position;
pub mod mark;
pub mod marks_of_app;
pub mod pin;
pub mod pin_report;
pub mod pinned_message;
pub mod read_report;
pub mod reader;

use tidings_domain::{AppId, ConversationId, UserId};
use tidings_store::{AppRows, Column, Engine, Kind};

/// Every statement text on that engine, for a test that prepares them all.
pub fn statements(engine: Engine) -> Vec<String> {
    let single = [
        cursor::ALL,
        delivered_report::ALL,
        device_position::ALL,
        mark::ALL,
        marks_of_app::ALL,
        pin::ALL,
        pin_report::ALL,
        pinned_message::ALL,
        read_report::ALL,
        reader::ALL,
    ]
    .concat()
    .into_iter()
    .map(str::to_owned);
    let many =
        [cursor::many(), mark::many(), pin_report::many(), read_report::many(), delivered_report::many()].concat();
    let many = many.into_iter().flat_map(move |statement| statement.texts(engine));
    let lookups = [mark::lookups(), pin::lookups()].concat().into_iter().flat_map(move |lookup| lookup.texts(engine));
    let lists = [cursor::lists(), mark::lists(), pin::lists(), pinned_message::lists(), reader::lists()].concat();
    single
        .chain(lists.into_iter().map(move |list| list.text(engine)))
        .chain(many)
        .chain(lookups)
        .chain(app_rows().texts())
        .collect()
}

/// The key of a user's row for a conversation.
#[derive(Debug, Clone, Copy)]
pub struct UserConversation {
    pub app: AppId,
    pub user: UserId,
    pub conversation: ConversationId,
}

/// A user's conversations as the columns of a statement over many rows: app, user and key.
fn columns(app: AppId, user: UserId, places: &[ConversationId]) -> [Column<'static>; 4] {
    [
        Column::Int(vec![app.0; places.len()]),
        Column::Int(vec![user.0; places.len()]),
        Column::Int(places.iter().map(|place| place.key().0).collect()),
        Column::Int(places.iter().map(|place| place.key().1).collect()),
    ]
}

/// What this service stores for each app.
pub fn app_rows() -> AppRows {
    AppRows::new(&[
        ("read_report", "user_id, conv_a, conv_b, read_id", Kind::Int),
        ("delivered_report", "user_id, conv_a, conv_b, delivered_id", Kind::Int),
        ("pin_report", "conv_a, conv_b, report_no", Kind::Int),
        ("mark", "user_id, conv_a, conv_b, mark", Kind::Int),
        ("pinned_message", "conv_a, conv_b, msg_id", Kind::Int),
        ("pinned_message_head", "conv_a, conv_b", Kind::Int),
        ("pin", "user_id, conv_a, conv_b", Kind::Int),
        ("pin_head", "user_id", Kind::Int),
        ("cursor", "user_id, conv_a, conv_b", Kind::Int),
        ("device_position", "user_id, device", Kind::Int),
    ])
}
