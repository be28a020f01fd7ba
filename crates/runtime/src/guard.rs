//! The layer in front of every network RPC: the key, the table of rights, the trace context, the caller's
//! deadline, one log line.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::HeaderMap;
use tidings_domain::{ACCOUNT_KEY, Error, Reason};
use tidings_proto::{error_from_status, status_from_error};
use tonic::{Status, body::Body};
use tower::{Layer, Service};
use tracing::{Instrument as _, field::display};

use crate::{
    ServiceKeys,
    admitted::Peer,
    context, deadline,
    door::{Door, Watched},
    metrics::{code_name, metrics},
    no_trailers::without_trailers,
    request_id, rights, telemetry,
};

/// Open to everybody who can reach the port. A call with a key is checked: that is how a process finds out, before a
/// client's call does, that a peer would refuse it.
const OPEN: [&str; 2] = ["/grpc.health.", "/grpc.reflection."];

/// Admits calls with the service key and, at a door, those with the key of a service account.
#[derive(Clone)]
pub(crate) struct Guard {
    keys: ServiceKeys,
    door: Option<Arc<dyn Door>>,
}

/// A call that was admitted.
struct Admission {
    request: http::Request<Body>,
    /// The door and the key of a service account, where the answer is a stream, which is to end with the key.
    watch: Option<(Arc<dyn Door>, String)>,
}

impl Guard {
    pub(crate) const fn new(keys: ServiceKeys, door: Option<Arc<dyn Door>>) -> Self {
        Self { keys, door }
    }

    /// Why the call is refused. The row of its RPC is passed on with it.
    async fn admit(&self, mut request: http::Request<Body>) -> Result<Admission, Status> {
        let is_open = is_open(request.uri().path());
        match (self.account_key(&request), &self.door) {
            (Some(key), Some(door)) if is_open => door.clone().check(key).await?,
            (Some(key), Some(door)) => return Self::admit_account(door, key, request).await,
            _ if !self.takes_key_of(&request) => {
                return Err(status_from_error(Error::new(Reason::ServiceKeyWrong, "")));
            }
            _ => {}
        }
        if !is_open {
            let right = rights::check(request.uri().path(), request.headers())?;
            request.extensions_mut().insert(right);
        }
        Ok(Admission { request, watch: None })
    }

    async fn admit_account(
        door: &Arc<dyn Door>,
        key: String,
        request: http::Request<Body>,
    ) -> Result<Admission, Status> {
        let right = rights::check(request.uri().path(), request.headers())?;
        let mut request = door.clone().admit(key.clone(), right, request).await?;
        request.extensions_mut().insert(right);
        Ok(Admission { request, watch: right.is_streamed.then(|| (Arc::clone(door), key)) })
    }

    /// The key, if it has the form of a service account's.
    fn account_key(&self, request: &http::Request<Body>) -> Option<String> {
        self.door.as_ref()?;
        let given = bearer(request)?;
        let is_account = given.starts_with(ACCOUNT_KEY.as_bytes()) && !self.keys.accept(given);
        is_account.then(|| String::from_utf8_lossy(given).into_owned())
    }

    fn takes_key_of(&self, request: &http::Request<Body>) -> bool {
        bearer(request).map_or_else(|| is_open(request.uri().path()), |given| self.keys.accept(given))
    }
}

fn bearer(request: &http::Request<Body>) -> Option<&[u8]> {
    request.headers().get(http::header::AUTHORIZATION)?.as_bytes().strip_prefix(b"Bearer ")
}

fn is_open(path: &str) -> bool {
    OPEN.iter().any(|prefix| path.starts_with(prefix))
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { guard: self.clone(), inner }
    }
}

/// A service behind the guard.
#[derive(Clone)]
pub(crate) struct Guarded<S> {
    guard: Guard,
    inner: S,
}

impl<S> Service<http::Request<Body>> for Guarded<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let guard = self.guard.clone();
        // The one that is ready.
        let next = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, next);
        let call = Call::read(&request);
        let (path, kind) = (&call.path, telemetry::server_kind());
        let id = call.id.as_deref().map(display);
        let span = tracing::info_span!("grpc.request", method = %path, request_id = id, otel.kind = kind);
        telemetry::adopt(&span, request.headers());
        Box::pin(async move { answer(guard, inner, request, call).await }.instrument(span))
    }
}

/// The log line of a call.
struct Call {
    started: tokio::time::Instant,
    path: String,
    id: Option<Arc<str>>,
    app: Option<String>,
    user: Option<String>,
}

impl Call {
    fn read(request: &http::Request<Body>) -> Self {
        let headers = request.headers();
        Self {
            started: tokio::time::Instant::now(),
            path: request.uri().path().to_owned(),
            id: request_id::read(headers),
            app: said(headers, context::APP),
            user: said(headers, context::USER),
        }
    }

    fn answered(&self, response: &http::Response<Body>) {
        let (path, took) = (&self.path, self.started.elapsed());
        let status = Status::from_header_map(response.headers()).filter(|status| status.code() != tonic::Code::Ok);
        let code = status.as_ref().map_or(tonic::Code::Ok, Status::code);
        if let Some(row) = rights::of_path(path) {
            metrics().rpc.answered(row.rpc, code, took);
        }
        let reason = status.map(|status| error_from_status(status).reason().words().name);
        let span = tracing::Span::current();
        telemetry::describe_rpc(&span, path, code, reason);
        let (code, ms) = (code_name(code), took.as_millis() as u64);
        // Every peer calls health every few seconds.
        if is_open(path) {
            tracing::debug!(method = %path, code, ms, "rpc");
        } else {
            let (id, trace_id) = (self.id.as_deref().map(display), telemetry::trace_id(&span));
            let (app, user) = (self.app.as_deref(), self.user.as_deref());
            tracing::info!(parent: None, method = %path, code, reason, ms, app, user, request_id = id, trace_id, "rpc");
        }
    }
}

async fn answer<S>(
    guard: Guard,
    mut inner: S,
    request: http::Request<Body>,
    call: Call,
) -> Result<http::Response<Body>, S::Error>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>>,
{
    // The server itself times out then; calls made from here on carry the deadline.
    let until = deadline::read(request.headers());
    let Admission { mut request, watch } = match guard.admit(request).await {
        Ok(admitted) => admitted,
        Err(refusal) => {
            let rpc = rights::of_path(&call.path).map_or("none", |row| row.rpc);
            metrics().rpc.answered(rpc, refusal.code(), call.started.elapsed());
            return Ok(refusal.into_http());
        }
    };
    if let Some(Peer { tcp, place }) = request.extensions_mut().remove::<Peer>() {
        // Authenticated callers keep their connection while they make no calls.
        place.set_busy();
        request.extensions_mut().insert(tcp);
    }
    let answer = inner.call(request.map(without_trailers));
    let answer = request_id::within_if_known(call.id.clone(), async move {
        match until {
            Some(until) => deadline::within(until, answer).await,
            None => answer.await,
        }
    });
    let answer = answer.await?;
    call.answered(&answer);
    Ok(match watch {
        Some((door, key)) => answer.map(|body| Body::new(Watched::new(body, door, key))),
        None => answer,
    })
}

/// Maximum bytes of a caller's input in a log line.
const MAX_SAID: usize = 130;

/// What the caller says in its metadata, only for the log.
fn said(metadata: &HeaderMap, key: &str) -> Option<String> {
    let text = metadata.get(key)?.to_str().ok()?;
    Some(text[..text.floor_char_boundary(MAX_SAID)].to_owned())
}
