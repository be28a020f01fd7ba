//! What several tests need.

use tidings_dialects::lanying::{Refusal, Wanted, send_request};
use tidings_domain::{Draft, Policy};

/// The message that a body of `/message/send` asks for.
pub fn lanying_draft(body: &[u8], policy: &Policy) -> Result<Draft, Refusal> {
    match send_request(body, policy)? {
        Wanted::Message(draft) => Ok(draft),
        Wanted::Operation(operation) => panic!("not a message: {operation:?}"),
    }
}
