//! The transport between services: a generated client talks to a service in this process or over TCP alike.
//!
//! In process a call is a function call: no socket, no HTTP/2. Spans nest by themselves there; over TCP the trace
//! context travels as metadata.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tidings_domain::{Error, USER_AGENT};
use tidings_proto::{
    ServiceKeyRefused,
    pb::{
        callback_service_client::CallbackServiceClient, conversation_service_client::ConversationServiceClient,
        directory_service_client::DirectoryServiceClient, file_service_client::FileServiceClient,
        group_service_client::GroupServiceClient, message_service_client::MessageServiceClient,
    },
};
use tokio::time::Instant;
use tonic::{Status, body::Body, transport::Endpoint};
use tower::{Service, ServiceExt as _, util::BoxCloneSyncService};

use crate::{breaker::Guarded, rights::Held, telemetry};

type Request = http::Request<Body>;
type Response = http::Response<Body>;

/// How long a call to another process may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// The same where the caller sends or makes a whole file: longer than any upload may take.
const LONG_DEADLINE: Duration = Duration::from_hours(2);

/// How often a connection is asked for a sign of life, and how long it may take to give one. A peer that hangs is found out
/// in their sum, and what waits for it fails then.
const PING: Duration = Duration::from_secs(1);
const PONG: Duration = Duration::from_secs(2);

/// Bytes of one call that may be on their way before they are taken: what a call to another process has in memory for a
/// client that takes its time.
pub(crate) const STREAM_WINDOW: u32 = 128 * 1024;
/// The same of all calls on a connection, the most there is. Calls whose clients have stopped taking bytes use up their own
/// windows and must not use up that of the others.
pub(crate) const CONNECTION_WINDOW: u32 = (1 << 31) - 1;
/// Calls on one connection at once. Streams that last, as those of downloads and events, must leave room for all others.
pub(crate) const CALLS: u32 = 100_000;

/// What lies between two log lines on a peer that refuses the service key.
const COMPLAINTS: Duration = Duration::from_secs(10);

/// A way to a service, wherever it runs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Wire(BoxCloneSyncService<Request, Response, Status>);

impl Wire {
    /// To a service in this process, held to the table of rights like one over the network.
    pub fn local<S>(service: S) -> Self
    where
        S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        Self(BoxCloneSyncService::new(Held(service).map_err(|never| match never {})))
    }

    /// To a service at `url` (`http://host:port`). Connects when first used, and again after a failure.
    pub fn remote(url: &str, service_key: &str) -> Result<Self, Error> {
        Self::within(url, service_key, DEADLINE)
    }

    /// The same for calls that may take hours.
    pub fn remote_patient(url: &str, service_key: &str) -> Result<Self, Error> {
        Self::within(url, service_key, LONG_DEADLINE)
    }

    fn within(url: &str, service_key: &str, deadline: Duration) -> Result<Self, Error> {
        let endpoint = Endpoint::from_shared(url.to_owned())
            .map_err(|error| Error::invalid("peers", format!("has no http:// address: {url}")).because(error))?
            .user_agent(USER_AGENT)
            .map_err(Error::internal)?
            .connect_timeout(Duration::from_secs(2))
            .timeout(deadline)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .http2_keep_alive_interval(PING)
            .keep_alive_timeout(PONG)
            .keep_alive_while_idle(true)
            .tcp_nodelay(true);
        let authorization = http::HeaderValue::try_from(format!("Bearer {service_key}"))
            .map_err(|error| Error::invalid("service_key", "must be visible ASCII").because(error))?;
        let prepare = move |mut request: Request| {
            request.headers_mut().insert(http::header::AUTHORIZATION, authorization.clone());
            telemetry::inject(request.headers_mut());
            request
        };
        let peer = Arc::new(Peer { url: url.to_owned(), complained: Mutex::default() });
        let channel = endpoint.connect_lazy().map_request(prepare);
        let channel = Guarded::new(channel.map_err(|error| Status::unavailable(error.to_string())));
        let channel = channel.map_result(move |answer: Result<Response, Status>| {
            let answer = answer?;
            peer.took_our_key(answer.headers())?;
            Ok::<_, Status>(answer)
        });
        Ok(Self(BoxCloneSyncService::new(channel)))
    }
}

/// The other end of a remote wire.
struct Peer {
    url: String,
    /// When its refusals were last logged.
    complained: Mutex<Option<Instant>>,
}

impl Peer {
    /// A peer that refuses the service key is a fault of this installation and not of the call: to whoever made the
    /// call the peer is away, and the log says why.
    fn took_our_key(&self, headers: &http::HeaderMap) -> Result<(), Status> {
        if !headers.contains_key(Status::GRPC_STATUS) {
            return Ok(());
        }
        let refused = Status::from_header_map(headers).filter(tidings_proto::is_refused_service_key);
        if refused.is_none() {
            return Ok(());
        }
        let refused = ServiceKeyRefused { url: self.url.clone() };
        if self.may_complain() {
            tracing::error!("{refused}");
        }
        Err(refused.into())
    }

    /// Now and once in [`COMPLAINTS`], however many calls fail.
    fn may_complain(&self) -> bool {
        let mut last = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        let may = last.is_none_or(|last| last.elapsed() >= COMPLAINTS);
        if may {
            *last = Some(Instant::now());
        }
        may
    }
}

impl Service<Request> for Wire {
    type Response = Response;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Status>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.0.call(request)
    }
}

/// A client for each service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Clients {
    /// Who exists.
    pub directory: DirectoryServiceClient<Wire>,
    /// Who is in which group; served by the directory.
    pub group: GroupServiceClient<Wire>,
    /// The log.
    pub message: MessageServiceClient<Wire>,
    /// Each user's view of it.
    pub conversation: ConversationServiceClient<Wire>,
    /// Bytes.
    pub file: FileServiceClient<Wire>,
    /// Tells apps' servers what happened.
    pub callback: CallbackServiceClient<Wire>,
}

impl Clients {
    /// Clients over the given wires.
    pub fn new(directory: Wire, group: Wire, message: Wire, conversation: Wire, file: Wire, callback: Wire) -> Self {
        Self {
            directory: DirectoryServiceClient::new(directory).max_decoding_message_size(MAX_ANSWER),
            group: GroupServiceClient::new(group).max_decoding_message_size(MAX_ANSWER),
            message: MessageServiceClient::new(message).max_decoding_message_size(MAX_ANSWER),
            conversation: ConversationServiceClient::new(conversation).max_decoding_message_size(MAX_ANSWER),
            file: FileServiceClient::new(file),
            callback: CallbackServiceClient::new(callback).max_decoding_message_size(MAX_ANSWER),
        }
    }
}

/// Replies end at about 2 MiB, unless a single message, as large as its app may allow, or the words of an app have more.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
