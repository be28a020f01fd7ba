//! One connection to one process of a peer.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{
    HeaderValue, Version,
    header::{self, AUTHORIZATION},
    uri::{Authority, Scheme},
};
use hyper::{
    body::Incoming,
    client::conn::http2::{self, Connection, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tidings_domain::USER_AGENT;
use tokio::{net::TcpStream, time::timeout};
use tonic::{Status, body::Body};
use tower::Service;

use super::lent::{Lent, Message};
use crate::{Connector, Protocol, tls::MaybeTls};

/// The timeout of connecting to a process.
const CONNECT: Duration = Duration::from_secs(2);
/// The interval of keep-alive pings, and how long their answer may take. A hanging process is detected within their
/// sum, and calls waiting for it fail then.
const PING: Duration = Duration::from_secs(1);
const PONG: Duration = Duration::from_secs(2);

/// The address of a process, and the key that is sent to it.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub address: SocketAddr,
    /// `http` or `https`.
    pub scheme: Scheme,
    /// As configured.
    pub authority: Authority,
    /// The service key.
    pub authorization: HeaderValue,
    pub connector: Connector,
}

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectFailure {
    /// No process listens, or the connection was closed: a restarting process is available again soon.
    Refused,
    /// No answer in time.
    Hung,
    /// One side does not trust the other's certificate, or does not speak TLS: a permanent problem.
    Untrusted,
}

/// The same as text.
#[derive(Debug)]
pub(super) struct Failure {
    pub fault: ConnectFailure,
    pub why: String,
}

impl Failure {
    pub fn new(fault: ConnectFailure, why: &str) -> Self {
        Self { fault, why: why.to_owned() }
    }
}

impl From<&io::Error> for Failure {
    fn from(error: &io::Error) -> Self {
        let fault = match error.kind() {
            io::ErrorKind::TimedOut => ConnectFailure::Hung,
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => ConnectFailure::Untrusted,
            _ => ConnectFailure::Refused,
        };
        Self::new(fault, &error.to_string())
    }
}

/// A connection. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Link {
    requests: SendRequest<Lent>,
    target: Arc<Target>,
}

/// The driver of the connection, which is open until it ends.
pub(super) type Carrier = Connection<TokioIo<MaybeTls<TcpStream>>, Lent, TokioExecutor>;

impl Link {
    /// Connects. An accepted connection does not mean that a process works behind it.
    pub async fn open(target: &Arc<Target>) -> Result<(Self, Carrier), Failure> {
        let host = (&target.scheme, target.authority.host());
        let connecting = target.connector.connect(host, target.address, Protocol::Http2);
        let stream = timeout(CONNECT, connecting).await;
        let stream = stream.map_err(|_| Failure::new(ConnectFailure::Hung, "no connection in time"))?;
        let stream = stream.map_err(|error| Failure::from(&error))?;
        let opened = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(super::STREAM_WINDOW)
            .initial_connection_window_size(super::CONNECTION_WINDOW)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PONG)
            .keep_alive_while_idle(true)
            .handshake(TokioIo::new(stream))
            .await;
        let (requests, carrier) = opened.map_err(|error| failure(&error))?;
        Ok((Self { requests, target: Arc::clone(target) }, carrier))
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }

    /// Sends a request and waits for the head of the answer.
    pub fn send(
        &mut self,
        mut request: http::Request<Lent>,
    ) -> impl Future<Output = hyper::Result<http::Response<Incoming>>> + use<> {
        let mut uri = std::mem::take(request.uri_mut()).into_parts();
        uri.scheme = Some(self.target.scheme.clone());
        uri.authority = Some(self.target.authority.clone());
        *request.uri_mut() = http::Uri::from_parts(uri).unwrap_or_default();
        *request.version_mut() = Version::HTTP_2;
        request.headers_mut().insert(AUTHORIZATION, self.target.authorization.clone());
        request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        self.requests.send_request(request)
    }
}

/// The end of a driver as seen by callers.
pub(super) fn failure_of(ended: hyper::Result<()>) -> Failure {
    match ended {
        Ok(()) => Failure::new(ConnectFailure::Refused, "it closed the connection"),
        Err(error) => failure(&error),
    }
}

/// A peer that refuses our certificate says so once the handshake is complete on our side.
fn failure(error: &hyper::Error) -> Failure {
    if error.is_timeout() {
        return Failure::new(ConnectFailure::Hung, "it does not respond");
    }
    let mut cause = Some(error as &dyn std::error::Error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>();
        if let Some(io) = io.or_else(|| error.downcast_ref::<h2::Error>().and_then(h2::Error::get_io)) {
            return Failure::from(io);
        }
        cause = error.source();
    }
    Failure::new(ConnectFailure::Refused, &error.to_string())
}

/// For the health service's client.
impl Service<http::Request<Body>> for Link {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let lent = Message::Stream(Some(body)).lend().map(|(lent, _)| lent);
        let answer = lent.map(|lent| self.send(http::Request::from_parts(parts, lent)));
        Box::pin(async move {
            let answer = answer.ok_or_else(|| Status::internal("a stream is lent once"))?.await;
            Ok(answer.map_err(|error| Status::unavailable(error.to_string()))?.map(Body::new))
        })
    }
}
