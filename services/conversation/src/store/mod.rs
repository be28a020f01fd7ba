//! Every statement of this service.

pub mod cursor;
pub mod pin;
pub mod read_report;

use tidings_domain::{AppId, ConversationId, UserId};
use tidings_store::{AppRows, Engine, Kind};

/// Every statement text on that engine, for a test that prepares them all.
pub fn statements(engine: Engine) -> Vec<String> {
    let single = [cursor::ALL, pin::ALL, read_report::ALL].concat().into_iter().map(str::to_owned);
    let many = cursor::many().into_iter().chain(read_report::many()).flat_map(|statement| statement.texts(engine));
    single
        .chain([cursor::of_user_text(engine), pin::of_user_text(engine)])
        .chain(many)
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

/// What this service stores for each app.
pub fn app_rows() -> AppRows {
    AppRows::new(&[
        ("read_report", "user_id, conv_a, conv_b, read_id", Kind::Int),
        ("pin", "user_id, conv_a, conv_b", Kind::Int),
        ("pin_head", "user_id", Kind::Int),
        ("cursor", "user_id, conv_a, conv_b", Kind::Int),
    ])
}
