//! Lanying IM: bodies, envelopes and error numbers (contract: lanying.md).

mod account;
mod content;
mod draft;
mod dto;
mod envelope;
mod history;
mod query;
mod refusal;

pub use account::{Login, NewAccount, register_request, registered, token, token_request_by_id, token_request_by_name};
pub use content::{Fields, fields_of};
pub use draft::{SEND_CALL, draft};
pub use envelope::{done, error, sent, unread};
pub use history::{Page, history};
pub use query::{AckQuery, HistoryQuery, ack_query, conversation_query, history_query};
pub use refusal::Refusal;
