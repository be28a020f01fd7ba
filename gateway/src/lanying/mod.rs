//! Lanying IM routes.

pub(crate) mod ack;
mod context;
pub(crate) mod conversation;
pub(crate) mod file;
pub(crate) mod group;
pub(crate) mod group_announcement;
pub(crate) mod group_file;
pub(crate) mod group_invitation;
pub(crate) mod history;
pub(crate) mod member;
pub(crate) mod recall;
pub(crate) mod register;
pub(crate) mod roster;
pub(crate) mod send;
pub(crate) mod token;
pub(crate) mod user;

use axum::response::Response;
use http::StatusCode;
use tidings_dialects::lanying::{self as codec, Refusal};
use tidings_domain::{Error, Reason};

use crate::reply;

/// The status stays 200 unless the server is overloaded or unavailable (decision 8).
fn answer(outcome: Result<Vec<u8>, Refusal>) -> Response {
    match outcome {
        Ok(body) => reply::json(StatusCode::OK, body),
        Err(refusal) if refusal.unavailable => {
            let response =
                reply::json_retry(StatusCode::SERVICE_UNAVAILABLE, codec::error(&refusal), refusal.retry_after);
            reply::with_reason(response, refusal.reason, refusal.code.to_string())
        }
        Err(refusal) => {
            let mut response = reply::json_retry(StatusCode::OK, codec::error(&refusal), refusal.retry_after);
            response.extensions_mut().insert(reply::RefusedWith200);
            reply::with_reason(response, refusal.reason, refusal.code.to_string())
        }
    }
}

/// An error before routing, or an internal error outside of handlers: no business error, so the HTTP status says it
/// too. An unknown call has its own message, since it is not a missing object.
pub(crate) fn fault(error: &Error) -> Response {
    let refusal = Refusal::from(error);
    let (status, message) = match error.reason() {
        _ if refusal.unavailable => return answer(Err(refusal)),
        Reason::CallNotFound => (StatusCode::NOT_FOUND, "no such call".to_owned()),
        Reason::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "no such method".to_owned()),
        Reason::EncodingNotSupported => (StatusCode::UNSUPPORTED_MEDIA_TYPE, error.agora_description()),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, refusal.message),
    };
    let refusal = Refusal { message, ..refusal };
    reply::with_reason(reply::json(status, codec::error(&refusal)), refusal.reason, refusal.code.to_string())
}
