//! Every statement of this service.

pub mod cursor;
pub mod pin;
pub mod read_report;

use tidings_domain::{AppId, ConversationId, UserId};
use tidings_store::Engine;

/// Every statement text on that engine, for a test that prepares them all.
pub fn statements(engine: Engine) -> Vec<String> {
    let single = [cursor::ALL, pin::ALL, read_report::ALL].concat().into_iter().map(str::to_owned);
    let many = cursor::many().into_iter().chain(read_report::many()).flat_map(|statement| statement.texts(engine));
    single.chain([cursor::of_user_text(engine), pin::of_user_text(engine)]).chain(many).collect()
}

/// A user's place in a conversation.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub app: AppId,
    pub user: UserId,
    pub conversation: ConversationId,
}
