//! Every statement of this service.

pub mod cursor;
pub mod device_position;
pub mod mark;
pub mod mark_report;
pub mod marks_of_app;
pub mod pin;
pub mod pin_report;
pub mod pinned_message;
pub mod reader;

use tidings_domain::{AppId, ConversationId, Error, UserId};
use tidings_store::{AppRows, Column, Db, Engine, Kind, on_db, sqlx};

/// Every statement text on that engine, for a test that prepares them all.
pub fn statements(engine: Engine) -> Vec<String> {
    let single = [
        cursor::ALL,
        device_position::ALL,
        mark::ALL,
        marks_of_app::ALL,
        pin::ALL,
        pin_report::ALL,
        pinned_message::ALL,
        reader::ALL,
    ]
    .concat();
    let single = single.into_iter().chain(mark_report::all()).map(str::to_owned);
    let many = [cursor::many(), mark::many(), mark_report::many(), pin_report::many()].concat();
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

/// That key, as the columns of input rows.
const KEY: [(&str, Kind); 4] =
    [("app_id", Kind::Int), ("user_id", Kind::Int), ("conv_a", Kind::Int), ("conv_b", Kind::Int)];

/// A user's conversations as the columns of a statement over many rows: app, user and key.
fn columns(app: AppId, user: UserId, places: &[ConversationId]) -> [Column<'static>; 4] {
    [
        Column::Int(vec![app.0; places.len()]),
        Column::Int(vec![user.0; places.len()]),
        Column::Int(places.iter().map(|place| place.key().0).collect()),
        Column::Int(places.iter().map(|place| place.key().1).collect()),
    ]
}

/// The first app after `after` that has rows in the statement's table.
async fn next_app(db: &Db, statement: &'static str, after: AppId) -> Result<Option<AppId>, Error> {
    let found: Option<(i64,)> = on_db!(db, |c| sqlx::query_as(statement).bind(after.0).fetch_optional(c).await)?;
    Ok(found.map(|(app,)| AppId(app)))
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
