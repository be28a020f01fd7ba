//! Helpers for several tests.

use tidings_dialects::lanying::{Refusal, SendCommand, send_request};
use tidings_domain::{Draft, Policy};

/// The message in a body of `/message/send`.
pub fn lanying_draft(body: &[u8], policy: &Policy) -> Result<Draft, Refusal> {
    match send_request(body, policy)? {
        SendCommand::Message(draft) => Ok(draft),
        SendCommand::Operation(operation) => panic!("not a message: {operation:?}"),
    }
}
