//! What surrounds every request: its id, its span, its log line, CORS, and a net under panics.

use std::{borrow::Cow, panic::AssertUnwindSafe};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue};
use tidings_domain::Error;
use tidings_runtime::telemetry;
use tracing::Instrument as _;

use crate::{Gateway, cors, request::header, routes};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id that is taken over from a client.
const MAX_ID: usize = 128;

/// The one layer around all routes.
pub(crate) async fn surround(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let started = tokio::time::Instant::now();
    let id = request_id(&gateway, request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let app = app_of(&request, route).into_owned();
    // The line has every field; the span only what finds its other lines and names it in a trace.
    let span = tracing::info_span!("gateway.request", route, request_id = %id);
    telemetry::adopt(&span, request.headers());
    let mut response = guarded(&gateway, request, next).instrument(span.clone()).await;
    let (status, ms) = (response.status().as_u16(), started.elapsed().as_millis() as u64);
    tracing::info!(parent: None, %method, route, status, ms, app, request_id = %id, "request");
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Carries out the request; a panic becomes the dialect's internal error.
async fn guarded(gateway: &Gateway, request: Request, next: Next) -> Response {
    let origin = gateway.cors().allowed(request.headers());
    let preflight = origin.as_ref().and_then(|_| cors::preflight(request.method(), request.headers()));
    let path = request.uri().path().to_owned();
    let mut response = match preflight {
        Some(answer) => answer,
        None => AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(path, "a handler panicked");
            routes::fault(gateway, &path, &Error::internal("panic"))
        }),
    };
    if let Some(origin) = origin {
        cors::permit(&mut response, origin);
    }
    response
}

/// The client's own id where it is a sane one.
fn request_id(gateway: &Gateway, headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).map(HeaderValue::as_bytes);
    match given {
        Some(id) if (1..=MAX_ID).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic) => {
            String::from_utf8_lossy(id).into_owned()
        }
        _ => gateway.next_request_id(),
    }
}

/// The app as the request names it, for the log alone.
fn app_of<'a>(request: &'a Request, route: &str) -> Cow<'a, str> {
    if !route.starts_with("/{org}/{app}") {
        return Cow::from(header(request.headers(), "app_id").unwrap_or_default());
    }
    let mut segments = request.uri().path().split('/').skip(1);
    let (org, app) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
    Cow::from(format!("{org}#{app}"))
}
