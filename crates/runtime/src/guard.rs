//! What stands before every network RPC: the service key, the table of rights, the trace context, one log line.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use subtle::ConstantTimeEq as _;
use tidings_domain::{Error, Reason};
use tidings_proto::status_from_error;
use tonic::{Status, body::Body};
use tower::{Layer, Service};
use tracing::Instrument as _;

use crate::{admitted::Peer, rights, telemetry};

/// Open to everybody who reaches the port.
const OPEN: [&str; 2] = ["/grpc.health.", "/grpc.reflection."];

/// Lets calls with the service key through.
#[derive(Clone)]
pub(crate) struct Guard {
    key: Arc<str>,
}

impl Guard {
    pub(crate) fn new(service_key: &str) -> Self {
        Self { key: service_key.into() }
    }

    /// Why the call is refused. The row of its RPC goes on with it.
    fn admit(&self, request: &mut http::Request<Body>) -> Result<(), Status> {
        if OPEN.iter().any(|prefix| request.uri().path().starts_with(prefix)) {
            return Ok(());
        }
        if !self.is_key_of(request) {
            let refusal = Error::new(Reason::TokenMissing, "the service key is missing or wrong");
            return Err(status_from_error(refusal));
        }
        let right = rights::check(request.uri().path(), request.headers())?;
        request.extensions_mut().insert(right);
        Ok(())
    }

    fn is_key_of(&self, request: &http::Request<Body>) -> bool {
        let given = request.headers().get(http::header::AUTHORIZATION).map(http::HeaderValue::as_bytes);
        let given = given.and_then(|given| given.strip_prefix(b"Bearer ")).unwrap_or_default();
        !self.key.is_empty() && bool::from(given.ct_eq(self.key.as_bytes()))
    }
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
            // Whoever has the key keeps its connection while nothing is called.
            place.set_busy();
            request.extensions_mut().insert(tcp);
        }
        let path = request.uri().path().to_owned();
        let span = tracing::info_span!("grpc.request", rpc.method = %path);
        telemetry::adopt(&span, request.headers());
        let started = tokio::time::Instant::now();
        let answer = self.inner.call(request);
        let logged = async move {
            let answer = answer.await;
            if let Ok(response) = &answer {
                let code = Status::from_header_map(response.headers()).map_or(tonic::Code::Ok, |status| status.code());
                tracing::info!(method = %path, ?code, ms = started.elapsed().as_millis() as u64, "rpc");
            }
            answer
        };
        Box::pin(logged.instrument(span))
    }
}
