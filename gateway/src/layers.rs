//! The layers around every request: its id, its span, its log line, CORS, and a panic handler.

use std::{borrow::Cow, panic::AssertUnwindSafe, time::Duration};

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_ENCODING};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use tidings_domain::{Error, Reason};
use tidings_runtime::{deadline, telemetry};
use tracing::Instrument as _;

use crate::{
    Gateway, cors, paths,
    reply::RefusedWith200,
    request::{header, waste},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Maximum length of a request id that is accepted from a client.
const MAX_ID: usize = 128;
/// The timeout of a request: proxies do not wait longer by default. It is passed on to the services. Files and long
/// polls take longer.
const LONGEST: Duration = Duration::from_mins(1);
const LONGEST_OF_FILES: Duration = Duration::from_hours(2);
/// Maximum bytes of client input in a log line.
const MAX_METHOD: usize = 16;
const MAX_APP: usize = 130;
const MAX_PATH: usize = 256;

/// The one layer around all routes.
pub(crate) async fn surround(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let started = tokio::time::Instant::now();
    let id = request_id(&gateway, request.headers());
    let method = cut(request.method().as_str(), MAX_METHOD).to_owned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let app = cut(&app_of(&request, route), MAX_APP).to_owned();
    // The line has every field; the span only those that link its other lines and name it in a trace.
    let span = tracing::info_span!("gateway.request", route, request_id = %id);
    telemetry::adopt(&span, request.headers());
    let longest = if paths::may_take_long(route) { LONGEST_OF_FILES } else { LONGEST };
    let carried_out = guarded(&gateway, request, next).instrument(span.clone());
    let mut response = deadline::within(started + longest, carried_out).await;
    let (status, ms) = (response.status().as_u16(), started.elapsed().as_millis() as u64);
    if status < 400 && response.extensions().get::<RefusedWith200>().is_none() {
        tracing::info!(parent: None, method, route, status, ms, app, request_id = %id, "request");
    } else if let Some(repeated) = gateway.log_repeats().count(route, response.status(), started) {
        tracing::info!(parent: None, method, route, status, ms, app, request_id = %id, repeated, "request");
    }
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Handles the request; a panic becomes the dialect's internal error.
async fn guarded(gateway: &Gateway, request: Request, next: Next) -> Response {
    let origin = gateway.cors().allowed(request.headers());
    let preflight = origin.as_ref().and_then(|_| cors::preflight(request.method(), request.headers()));
    let path = request.uri().path().to_owned();
    let packed = packed(&request);
    let mut response = match (preflight, packed) {
        (Some(answer), _) => answer,
        (None, Some(error)) => {
            waste(request.into_body()).await;
            paths::fault(gateway, &path, &error)
        }
        (None, None) => AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(path = cut(&path, MAX_PATH), "a handler panicked");
            paths::fault(gateway, &path, &Error::internal("panic"))
        }),
    };
    response = within_budget(gateway, &path, response).await;
    gateway.cors().permit(&mut response, origin);
    response
}

/// Compressed bodies are not decompressed, so none grows.
fn packed(request: &Request) -> Option<Error> {
    let all = request.headers().get_all(CONTENT_ENCODING);
    let mut encodings = all.iter().map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_ascii_lowercase());
    let encoding = encodings.find(|encoding| !matches!(encoding.as_str(), "" | "identity"))?;
    let error = || Error::new(Reason::EncodingNotSupported, cut(&encoding, MAX_METHOD));
    (!request.body().is_end_stream()).then(error)
}

/// The answer, which is counted until the client has read it; overload if too much waits for other clients already.
/// Streamed bodies hold little, and have no known size here.
async fn within_budget(gateway: &Gateway, path: &str, response: Response) -> Response {
    let budget = &gateway.budgets().answers;
    if response.body().size_hint().exact().is_none_or(|size| budget.is_free(size)) {
        return response;
    }
    let (head, body) = response.into_parts();
    let held = match body.collect().await {
        Ok(whole) => budget.hold(whole.to_bytes()).ok_or_else(|| Error::new(Reason::Overloaded, "")),
        Err(error) => Err(Error::internal(error)),
    };
    match held {
        Ok(bytes) => Response::from_parts(head, Body::from(bytes)),
        Err(error) => paths::fault(gateway, path, &error),
    }
}

/// A prefix of client input.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// The client's own id if it is valid.
fn request_id(gateway: &Gateway, headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).map(HeaderValue::as_bytes);
    match given {
        Some(id) if (1..=MAX_ID).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic) => {
            String::from_utf8_lossy(id).into_owned()
        }
        _ => gateway.next_request_id(),
    }
}

/// The app named in the request, only for the log.
fn app_of<'a>(request: &'a Request, route: &str) -> Cow<'a, str> {
    if !route.starts_with("/{org}/{app}") {
        return Cow::from(header(request.headers(), "app_id").unwrap_or_default());
    }
    let mut segments = request.uri().path().split('/').skip(1);
    let (org, app) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
    Cow::from(format!("{org}#{app}"))
}
