//! The transport between services: a generated client talks to a service in this process or over TCP in the same way.
//!
//! In process a call is a function call: no socket, no HTTP/2. Spans nest automatically there; over TCP the trace
//! context travels as metadata.

mod callers;
mod calls;
mod lent;
mod link;
mod pair;
mod replica;
mod replicas;

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tidings_domain::Error;
use tidings_proto::{
    internal::{
        conversation_internal_service_client::ConversationInternalServiceClient,
        directory_internal_service_client::DirectoryInternalServiceClient,
        message_internal_service_client::MessageInternalServiceClient,
    },
    pb::{
        callback_service_client::CallbackServiceClient, conversation_service_client::ConversationServiceClient,
        directory_service_client::DirectoryServiceClient, file_service_client::FileServiceClient,
        group_service_client::GroupServiceClient, message_service_client::MessageServiceClient,
    },
};
use tonic::{Status, body::Body};
use tower::{Service, ServiceExt as _, util::BoxCloneSyncService};

use self::calls::Calls;
pub use self::pair::Pair;
use crate::{Connector, config::Addresses, rights::Held};

type Request = http::Request<Body>;
type Response = http::Response<Body>;

/// The timeout of a call to another process.
const DEADLINE: Duration = Duration::from_secs(30);
/// The same if the caller transfers a whole file: longer than any upload may take.
const LONG_DEADLINE: Duration = Duration::from_hours(2);

/// Flow-control window of one call: the memory of a call to another process for a client that reads slowly.
pub(crate) const STREAM_WINDOW: u32 = 128 * 1024;
/// The same for all calls on a connection, the maximum. Calls whose clients have stopped reading fill their own
/// windows and must not use up that of the others.
pub(crate) const CONNECTION_WINDOW: u32 = (1 << 31) - 1;
/// Concurrent calls per connection. Long-lived streams, as of downloads and events, must leave room for all others.
pub(crate) const CALLS: u32 = 100_000;

/// A channel to a service, local or remote. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Wire(BoxCloneSyncService<Request, Response, Status>);

impl Wire {
    /// To a service in this process, subject to the table of rights like one over the network.
    pub fn local<S>(service: S) -> Self
    where
        S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        Self(BoxCloneSyncService::new(Held(service).map_err(|never| match never {})))
    }

    /// To a service at `addresses`, whose processes share the calls. Connects at first use, and again after a failure.
    pub fn remote(addresses: &Addresses, service_key: &str, connector: &Connector) -> Result<Self, Error> {
        Self::within(addresses, service_key, connector, DEADLINE)
    }

    /// The same for calls that may take hours.
    pub fn remote_patient(addresses: &Addresses, service_key: &str, connector: &Connector) -> Result<Self, Error> {
        Self::within(addresses, service_key, connector, LONG_DEADLINE)
    }

    fn within(
        addresses: &Addresses,
        service_key: &str,
        connector: &Connector,
        longest: Duration,
    ) -> Result<Self, Error> {
        Ok(Self(BoxCloneSyncService::new(Calls::new(addresses, service_key, connector, longest)?)))
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
    /// Apps and users.
    pub directory: DirectoryServiceClient<Wire>,
    /// The calls of the directory that are for our services only.
    pub directory_internal: DirectoryInternalServiceClient<Wire>,
    /// Groups and their members; served by the directory.
    pub group: GroupServiceClient<Wire>,
    /// The log.
    pub message: MessageServiceClient<Wire>,
    /// The calls of the log that are for our services only.
    pub message_internal: MessageInternalServiceClient<Wire>,
    /// Each user's view of the log.
    pub conversation: ConversationServiceClient<Wire>,
    /// The calls of the conversation service that are for our services only.
    pub conversation_internal: ConversationInternalServiceClient<Wire>,
    /// Files.
    pub file: FileServiceClient<Wire>,
    /// Callbacks to apps' servers.
    pub callback: CallbackServiceClient<Wire>,
}

impl Clients {
    /// Clients over the given wires.
    pub fn new(directory: Wire, group: Wire, message: Wire, conversation: Wire, file: Wire, callback: Wire) -> Self {
        let internal = DirectoryInternalServiceClient::new(directory.clone());
        Self {
            directory_internal: internal.max_decoding_message_size(MAX_ANSWER),
            directory: DirectoryServiceClient::new(directory).max_decoding_message_size(MAX_ANSWER),
            group: GroupServiceClient::new(group).max_decoding_message_size(MAX_ANSWER),
            message_internal: MessageInternalServiceClient::new(message.clone()).max_decoding_message_size(MAX_ANSWER),
            message: MessageServiceClient::new(message).max_decoding_message_size(MAX_ANSWER),
            conversation_internal: ConversationInternalServiceClient::new(conversation.clone()),
            conversation: ConversationServiceClient::new(conversation).max_decoding_message_size(MAX_ANSWER),
            file: FileServiceClient::new(file),
            callback: CallbackServiceClient::new(callback).max_decoding_message_size(MAX_ANSWER),
        }
    }
}

/// Replies are cut at about 2 MiB, unless a single message, as large as its app may allow, or the words of an app are
/// larger.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
