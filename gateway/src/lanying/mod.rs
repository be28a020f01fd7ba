//! Lanying IM routes.

pub(crate) mod ack;
mod asked;
pub(crate) mod conversation;
pub(crate) mod file;
pub(crate) mod group;
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
use tidings_dialect::lanying::{self as codec, Refusal};
use tidings_domain::Error;

use crate::reply;

/// The status stays 200 unless the server is overloaded or away (decision 8).
fn answer(outcome: Result<Vec<u8>, Refusal>) -> Response {
    match outcome {
        Ok(body) => reply::json(StatusCode::OK, body),
        Err(refusal) if refusal.unavailable => {
            reply::json_retry(StatusCode::SERVICE_UNAVAILABLE, codec::error(&refusal), refusal.retry_after)
        }
        Err(refusal) => {
            let mut response = reply::json(StatusCode::OK, codec::error(&refusal));
            response.extensions_mut().insert(reply::RefusedWith200);
            response
        }
    }
}

/// No route has that path: no business error, so HTTP says it too.
pub(crate) fn no_such_url() -> Response {
    at_http(StatusCode::NOT_FOUND, "no such call")
}

/// The route does not know the method.
pub(crate) fn wrong_method() -> Response {
    at_http(StatusCode::METHOD_NOT_ALLOWED, "no such method")
}

fn at_http(status: StatusCode, message: &str) -> Response {
    let code = i32::from(status.as_u16());
    let refusal = Refusal { code, message: message.to_owned(), retry_after: None, unavailable: false };
    reply::json(status, codec::error(&refusal))
}

/// A fault of ours that no handler could tell.
pub(crate) fn fault(error: &Error) -> Response {
    match Refusal::from(error) {
        refusal if refusal.unavailable => answer(Err(refusal)),
        refusal => reply::json(StatusCode::INTERNAL_SERVER_ERROR, codec::error(&refusal)),
    }
}
