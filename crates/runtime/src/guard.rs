//! The layer in front of every network RPC: the service key, the table of rights, the trace context, the caller's
//! deadline, one log line.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tidings_domain::{Error, Reason};
use tidings_proto::status_from_error;
use tonic::{Status, body::Body};
use tower::{Layer, Service};
use tracing::Instrument as _;

use crate::{ServiceKeys, admitted::Peer, deadline, rights, telemetry};

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
        if let Err(refusal) = self.guard.admit(&mut request) {
            return Box::pin(async move { Ok(refusal.into_http()) });
        }
        if let Some(Peer { tcp, place }) = request.extensions_mut().remove::<Peer>() {
            // Authenticated callers keep their connection while they make no calls.
            place.set_busy();
            request.extensions_mut().insert(tcp);
        }
        let path = request.uri().path().to_owned();
        let span = tracing::info_span!("grpc.request", rpc.method = %path);
        telemetry::adopt(&span, request.headers());
        let started = tokio::time::Instant::now();
        // The server itself times out then; calls made from here on carry the deadline.
        let until = deadline::read(request.headers());
        let answer = self.inner.call(request);
        let logged = async move {
            let answer = match until {
                Some(until) => deadline::within(until, answer).await,
                None => answer.await,
            };
            if let Ok(response) = &answer {
                let code = Status::from_header_map(response.headers()).map_or(tonic::Code::Ok, |status| status.code());
                let ms = started.elapsed().as_millis() as u64;
                // Every peer calls health every few seconds.
                if is_open(&path) {
                    tracing::debug!(method = %path, ?code, ms, "rpc");
                } else {
                    tracing::info!(method = %path, ?code, ms, "rpc");
                }
            }
            answer
        };
        Box::pin(logged.instrument(span))
    }
}
