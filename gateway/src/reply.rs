//! Answers as HTTP.

use std::{borrow::Cow, time::Duration};

use axum::{body::Body, response::Response};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use tidings_domain::{Error, Reason};
use tidings_proto::{error_from_status, pb::RegisterFailure};
use tonic::Status;

/// Marks a refusal in a dialect whose refusals have status 200.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RefusedWith200;

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The same with `Retry-After` in whole seconds, if a retry makes sense.
pub(crate) fn json_retry(status: StatusCode, body: Vec<u8>, retry_after: Option<Duration>) -> Response {
    let mut response = json(status, body);
    if let Some(wait) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_millis().div_ceil(1000).max(1) as u64));
    }
    response
}

/// The header with the reason of a refusal, by the names of docs/errors.md: the same in every dialect, and without the
/// text for humans.
pub(crate) const REASON: HeaderName = HeaderName::from_static("x-tidings-reason");

/// How a request was refused, for its log line and the numbers.
#[derive(Debug, Clone)]
pub(crate) struct RefusedAs {
    /// The dialect's own word or number, from a fixed list.
    pub code: Cow<'static, str>,
    /// The same in every dialect.
    pub reason: Reason,
}

/// Adds the reason of a refusal; `code` is the dialect's own word or number for it.
pub(crate) fn with_reason(mut response: Response, reason: Reason, code: impl Into<Cow<'static, str>>) -> Response {
    response.headers_mut().insert(REASON, HeaderValue::from_static(reason.words().name));
    response.extensions_mut().insert(RefusedAs { code: code.into(), reason });
    response
}

/// Maps a service's refusal. Its cause, if there is one, is logged here and not passed on.
pub(crate) fn refused(status: Status) -> Error {
    let error = error_from_status(status);
    if let Some(cause) = std::error::Error::source(&error) {
        tracing::warn!(reason = error.reason().words().name, %cause, "a service returned an unexpected error");
    }
    error
}

/// Why the directory did not register a user. Only a full sentence needs the directory's own text.
pub(crate) fn registration_error(failure: RegisterFailure) -> Error {
    match Reason::from_name(&failure.reason) {
        Some(Reason::InvalidArgument) => Error::new(Reason::InvalidArgument, failure.text),
        Some(reason) => Error::new(reason, failure.username),
        None => Error::internal(failure.text),
    }
}
