//! The layers around every request: its id, its span, its log line, its numbers, CORS, and a panic handler.

use std::{borrow::Cow, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt as _;
use http::{HeaderValue, StatusCode, header::CONTENT_ENCODING};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use tidings_domain::{Error, Reason};
use tidings_runtime::{
    deadline,
    metrics::{Answered, metrics},
    request_id::{self, REQUEST_ID},
    telemetry,
};
use tracing::{Instrument as _, field::display};

use crate::{
    Gateway,
    caller_note::CallerNote,
    cors, paths,
    reply::{RefusedAs, RefusedWith200},
    request::{discard_body, header},
};

/// The timeout of a request: proxies do not wait longer by default. It is passed on to the services. Files and long
/// polls take longer.
const LONGEST: Duration = Duration::from_mins(1);
const LONGEST_OF_FILES: Duration = Duration::from_hours(2);
/// Maximum bytes of client input in a log line.
const MAX_METHOD: usize = 16;
const MAX_APP: usize = 130;
const MAX_PATH: usize = 256;

/// The one layer around all routes.
pub(crate) async fn surround(State(gateway): State<Gateway>, mut request: Request, next: Next) -> Response {
    let started = tokio::time::Instant::now();
    let _open = metrics().http.open();
    let id = request_id::read(request.headers()).unwrap_or_else(|| gateway.next_request_id().into());
    let caller = CallerNote::default();
    request.extensions_mut().insert(caller.clone());
    let about = About::of(&request);
    // The line has every field; the span only those that link its other lines and name it in a trace.
    let (route, kind) = (about.route(), telemetry::server_kind());
    let span = tracing::info_span!("gateway.request", route, request_id = %id, otel.kind = kind);
    telemetry::adopt(&span, request.headers());
    let longest = if paths::may_take_long(route) { LONGEST_OF_FILES } else { LONGEST };
    let carried_out = guarded(&gateway, request, next).instrument(span.clone());
    let carried_out = request_id::within(Arc::clone(&id), deadline::within(started + longest, carried_out));
    let mut response = carried_out.await;
    let took = started.elapsed();
    let (status, refused) = (response.status(), response.extensions().get::<RefusedAs>().cloned());
    telemetry::describe_http(&span, &about.method, route, status.as_u16(), refused.as_ref().map(|it| it.reason));
    let is_refused = status.as_u16() >= 400 || response.extensions().get::<RefusedWith200>().is_some();
    let repeated = if is_refused {
        gateway.log_repeats().count((route.to_owned(), status), started).map(Some)
    } else {
        Some(None)
    };
    if let Some(repeated) = repeated.filter(|_| !paths::is_health(route)) {
        let (trace_id, caller) = (telemetry::trace_id(&span), caller.text());
        about.log(&id, trace_id, caller, (status, refused.as_ref()), took, repeated);
    }
    about.count(status, refused, took);
    if let Ok(id) = HeaderValue::try_from(&*id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// What is known of a request before it is carried out.
struct About {
    method: String,
    /// The template of its route; `None`: it has none.
    route: Option<MatchedPath>,
    dialect: &'static str,
    app: String,
}

impl About {
    fn of(request: &Request) -> Self {
        let route = request.extensions().get::<MatchedPath>().cloned();
        let app = cut(&app_of(request, route.as_ref().map_or("", MatchedPath::as_str)), MAX_APP).to_owned();
        let dialect = paths::dialect(request.uri().path());
        Self { method: cut(request.method().as_str(), MAX_METHOD).to_owned(), route, dialect, app }
    }

    fn route(&self) -> &str {
        self.route.as_ref().map_or("none", MatchedPath::as_str)
    }

    /// The one line of the request.
    fn log(
        &self,
        request_id: &str,
        trace_id: Option<String>,
        caller: Option<String>,
        (status, refused): (StatusCode, Option<&RefusedAs>),
        took: Duration,
        repeated: Option<u64>,
    ) {
        let Self { method, dialect, app, .. } = self;
        let (route, status, ms) = (self.route(), status.as_u16(), took.as_millis() as u64);
        let code = refused.map(|it| it.code.as_ref()).filter(|code| !code.is_empty());
        let reason = refused.map(|it| it.reason.words().name);
        let id = display(request_id);
        tracing::info!(
            parent: None, method, dialect, route, status, code, reason, ms, app, caller, request_id = id, trace_id, repeated,
            "request"
        );
    }

    fn count(&self, status: StatusCode, refused: Option<RefusedAs>, took: Duration) {
        let (code, reason) = refused.map_or((Cow::Borrowed(""), ""), |it| (it.code, it.reason.words().name));
        // A path without a route has no dialect: it is any text.
        let dialect = if self.route.is_some() { self.dialect } else { "none" };
        let (method, route, status) = (known_method(&self.method), self.route().to_owned(), status.as_u16());
        metrics().http.answered(Answered { dialect, method, route, status, code, reason }, took);
    }
}

/// The method, if a route may have it.
fn known_method(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
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
            discard_body(request.into_body()).await;
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

/// The app named in the request, only for the log.
fn app_of<'a>(request: &'a Request, route: &str) -> Cow<'a, str> {
    if !route.starts_with("/{org}/{app}") {
        return Cow::from(header(request.headers(), "app_id").unwrap_or_default());
    }
    let mut segments = request.uri().path().split('/').skip(1);
    let (org, app) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
    Cow::from(format!("{org}#{app}"))
}
