//! The layer in front of every network RPC: the key, the table of rights, the trace context, the id of the request, the
//! caller's deadline, one log line.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::HeaderValue;
use tidings_domain::{ACCOUNT_KEY, Error, Reason};
use tidings_proto::status_from_error;
use tonic::body::Body;
use tower::{Layer, Service};
use tracing::{Instrument as _, field::display};

use crate::{
    ServiceKeys,
    admitted::Peer,
    deadline,
    door::{AccountId, Door, Refused, Watched},
    no_trailers::without_trailers,
    request_id::{self, REQUEST_ID},
    rights,
    rpc_line::{Refusals, RpcLine, is_open},
    telemetry,
};

/// Admits calls with the service key and, at a door, those with the key of a service account.
#[derive(Clone)]
pub(crate) struct Guard {
    keys: ServiceKeys,
    door: Option<Arc<dyn Door>>,
    refusals: Arc<Refusals>,
}

/// A call that was admitted.
struct Admission {
    request: http::Request<Body>,
    /// The door and the key of a service account, where the answer is a stream, which is to end with the key.
    watch: Option<(Arc<dyn Door>, String)>,
}

impl Guard {
    pub(crate) fn new(keys: ServiceKeys, door: Option<Arc<dyn Door>>) -> Self {
        Self { keys, door, refusals: Arc::default() }
    }

    /// Why the call is refused. The row of its RPC is passed on with it.
    async fn admit(&self, mut request: http::Request<Body>) -> Result<Admission, Refused> {
        let is_open = is_open(request.uri().path());
        match (self.account_key(&request), &self.door) {
            (Some(key), Some(door)) if is_open => door.clone().check(key).await?,
            (Some(key), Some(door)) => return Self::admit_account(door, key, request).await,
            _ if !self.takes_key_of(&request) => {
                return Err(status_from_error(Error::new(Reason::ServiceKeyWrong, "")).into());
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
    ) -> Result<Admission, Refused> {
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
        let id = request_id::read(request.headers()).or_else(|| Some(guard.door.as_ref()?.new_request_id().into()));
        let line = RpcLine::read(request.uri().path(), request.headers(), id);
        let (path, id, kind) = (line.path(), line.id().map(display), telemetry::server_kind());
        let span = tracing::info_span!("grpc.request", method = %path, request_id = id, otel.kind = kind);
        telemetry::adopt(&span, request.headers());
        Box::pin(async move { answer(guard, inner, request, line).await }.instrument(span))
    }
}

async fn answer<S>(
    guard: Guard,
    inner: S,
    request: http::Request<Body>,
    mut line: RpcLine,
) -> Result<http::Response<Body>, S::Error>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>>,
{
    let (id, is_door) = (line.id().cloned(), guard.door.is_some());
    let answer = request_id::within_if_known(id.clone(), admit_and_call(guard, inner, request, &mut line));
    let mut answer = answer.await?;
    if let Some(id) = id.filter(|_| is_door).and_then(|id| HeaderValue::try_from(&*id).ok()) {
        answer.headers_mut().insert(REQUEST_ID, id);
    }
    Ok(answer)
}

async fn admit_and_call<S>(
    guard: Guard,
    mut inner: S,
    request: http::Request<Body>,
    line: &mut RpcLine,
) -> Result<http::Response<Body>, S::Error>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>>,
{
    // The server itself times out then; calls made from here on carry the deadline.
    let until = deadline::read(request.headers());
    let Admission { mut request, watch } = match guard.admit(request).await {
        Ok(admitted) => admitted,
        Err(Refused { status, by }) => {
            if let Some(AccountId { app, account }) = by {
                line.of_account(app, account);
            }
            line.refused(&status, &guard.refusals);
            return Ok(status.into_http());
        }
    };
    line.admitted(request.headers());
    if let Some(Peer { tcp, place }) = request.extensions_mut().remove::<Peer>() {
        // Authenticated callers keep their connection while they make no calls.
        place.set_busy();
        request.extensions_mut().insert(tcp);
    }
    let answer = inner.call(request.map(without_trailers));
    let answer = match until {
        Some(until) => deadline::within(until, answer).await?,
        None => answer.await?,
    };
    line.answered(&answer);
    Ok(match watch {
        Some((door, key)) => answer.map(|body| Body::new(Watched::new(body, door, key))),
        None => answer,
    })
}
