//! Agora Chat and Easemob: bodies, envelopes and error words (contract: agora.md).

mod body;
mod draft;
mod dto;
mod envelope;
mod refusal;
mod token;
mod users;

pub use body::{body_from, ext_from};
pub use draft::{SEND_CALL, draft};
pub use envelope::{Call, Timing, error, sent};
pub use refusal::Refusal;
pub use token::{Grant, TokenRequest, token, token_refusal, token_request};
pub use users::{Failed, NewUser, NewUsers, User, failure_refusal, list, new_users, one_user, registered};
