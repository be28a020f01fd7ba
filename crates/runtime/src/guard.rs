//! The layer in front of every network RPC: the service key, the table of rights, the trace context, the caller's
//! deadline, one log line.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http::HeaderMap;
use tidings_domain::{Error, Reason};
use tidings_proto::{error_from_status, status_from_error};
use tonic::{Status, body::Body};
use tower::{Layer, Service};
use tracing::{Instrument as _, field::display};

use crate::{
    ServiceKeys,
    admitted::Peer,
    context, deadline,
    metrics::{code_name, metrics},
    request_id, rights, telemetry,
};

/// Open to everybody who reaches the port. A call with a service key is checked: that is how a
/// process finds out, before a client's call does, that a peer would refuse it.
const OPEN: [&str; 2] = ["/grpc.health.", "/grpc.reflection."];

/// Admits calls with the service key.
#[derive(Clone)]
pub(crate) struct Guard {
    keys: ServiceKeys,
}

impl Guard {
    pub(crate) const fn new(keys: ServiceKeys) -> Self {
        Self { keys }
    }

    /// Why the call is refused. The row of its RPC is passed on with it.
    fn admit(&self, request: &mut http::Request<Body>) -> Result<(), Status> {
        if !self.takes_key_of(request) {
            return Err(status_from_error(Error::new(Reason::ServiceKeyWrong, "")));
        }
        if is_open(request.uri().path()) {
            return Ok(());
        }
        let right = rights::check(request.uri().path(), request.headers())?;
        request.extensions_mut().insert(right);
        Ok(())
    }

    fn takes_key_of(&self, request: &http::Request<Body>) -> bool {
        let given = request.headers().get(http::header::AUTHORIZATION).map(http::HeaderValue::as_bytes);
        match given.and_then(|given| given.strip_prefix(b"Bearer ")) {
            Some(given) => self.keys.accept(given),
            None => is_open(request.uri().path()),
        }
    }
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
    S: Service<http::Request<Body>, Response = http::Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let started = tokio::time::Instant::now();
        let row = rights::row(request.uri().path());
        if let Err(refusal) = self.guard.admit(&mut request) {
            metrics().rpc.answered(row.map_or("none", |row| row.rpc), refusal.code(), started.elapsed());
            return Box::pin(async move { Ok(refusal.into_http()) });
        }
        if let Some(Peer { tcp, place }) = request.extensions_mut().remove::<Peer>() {
            // Authenticated callers keep their connection while they make no calls.
            place.set_busy();
            request.extensions_mut().insert(tcp);
        }
        let path = request.uri().path().to_owned();
        let id = request_id::read(request.headers());
        let (app, user) = (said(request.headers(), context::APP), said(request.headers(), context::USER));
        let kind = telemetry::server_kind();
        let span = tracing::info_span!("grpc.request", method = %path, request_id = id.as_deref().map(display), otel.kind = kind);
        telemetry::adopt(&span, request.headers());
        // The server itself times out then; calls made from here on carry the deadline.
        let until = deadline::read(request.headers());
        let known = id.clone();
        let answer = self.inner.call(request);
        let logged = async move {
            let answer = request_id::within_if_known(known, async move {
                match until {
                    Some(until) => deadline::within(until, answer).await,
                    None => answer.await,
                }
            });
            let answer = answer.await;
            let Ok(response) = &answer else { return answer };
            let status = Status::from_header_map(response.headers()).filter(|status| status.code() != tonic::Code::Ok);
            let code = status.as_ref().map_or(tonic::Code::Ok, Status::code);
            if let Some(row) = row {
                metrics().rpc.answered(row.rpc, code, started.elapsed());
            }
            let reason = status.map(|status| error_from_status(status).reason().words().name);
            let span = tracing::Span::current();
            telemetry::describe_rpc(&span, &path, code, reason);
            let (code, ms) = (code_name(code), started.elapsed().as_millis() as u64);
            // Every peer calls health every few seconds.
            if is_open(&path) {
                tracing::debug!(method = %path, code, ms, "rpc");
            } else {
                let (id, trace_id) = (id.as_deref().map(display), telemetry::trace_id(&span));
                tracing::info!(parent: None, method = %path, code, reason, ms, app, user, request_id = id, trace_id, "rpc");
            }
            answer
        };
        Box::pin(logged.instrument(span))
    }
}

/// Maximum bytes of a caller's input in a log line.
const MAX_SAID: usize = 130;

/// What the caller says in its metadata, only for the log.
fn said(metadata: &HeaderMap, key: &str) -> Option<String> {
    let text = metadata.get(key)?.to_str().ok()?;
    Some(text[..text.floor_char_boundary(MAX_SAID)].to_owned())
}
