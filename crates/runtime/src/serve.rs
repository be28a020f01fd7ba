//! Serves gRPC over TCP: the given services, health and reflection.

use std::{
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{Stream, stream};
use tidings_domain::Error;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tonic::{
    body::Body,
    server::NamedService,
    service::{Routes, RoutesBuilder},
    transport::Server,
};
use tonic_health::{ServingStatus, server::HealthReporter};
use tower::Service;

use crate::{
    Acceptor, Admitted, Bounds, Connections, Door, ServiceKeys, Shutdown,
    guard::Guard,
    wire::{CALLS, CONNECTION_WINDOW, STREAM_WINDOW},
};

/// Binds the address that `setting` (`listen`, `grpc_listen`) names, with an error that suggests what to do.
pub async fn bind(setting: &str, address: &str) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|error| {
        let remedy = match error.kind() {
            io::ErrorKind::AddrInUse => "stop the process that has it, or choose another port",
            io::ErrorKind::PermissionDenied => "choose a port above 1023",
            io::ErrorKind::AddrNotAvailable => "choose an address of this machine, or 0.0.0.0 for all of them",
            _ => "choose an address of this machine and a port, such as 127.0.0.1:8080",
        };
        let option = setting.replace('_', "-");
        let words = format!("cannot be {address}: {error}; {remedy} (--{option})");
        Error::invalid(setting, words)
    })
}

/// A builder for a gRPC server.
pub struct GrpcServer {
    routes: RoutesBuilder,
    health: Health,
    /// Absent: only the service key is accepted.
    door: Option<Arc<dyn Door>>,
    acceptor: Acceptor,
}

/// Reports over the health service whether the process can do its work. Cheap to clone.
#[derive(Clone)]
pub struct Health {
    reporter: HealthReporter,
    /// The services, and the empty name, which means all of them.
    names: Vec<&'static str>,
    has_ended: Arc<AtomicBool>,
}

impl Health {
    /// Sets the answer of the health service.
    pub async fn set(&self, ready: bool) {
        if self.has_ended.load(Ordering::Acquire) {
            return;
        }
        let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        for name in &self.names {
            self.reporter.set_service_status(*name, status).await;
        }
    }

    /// Ends watch calls, which would keep connections open forever.
    async fn end(mut self) {
        self.set(false).await;
        self.has_ended.store(true, Ordering::Release);
        for name in &self.names {
            self.reporter.clear_service_status(name).await;
        }
    }
}

impl std::fmt::Debug for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Health").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Default for GrpcServer {
    fn default() -> Self {
        let (health, service) = tonic_health::server::health_reporter();
        let mut routes = Routes::builder();
        routes.add_service(service);
        let health = Health { reporter: health, names: vec![""], has_ended: Arc::default() };
        Self { routes, health, door: None, acceptor: Acceptor::plain() }
    }
}

impl GrpcServer {
    /// Adds a service. It is not reported as healthy before [`Health::set`] says so.
    pub async fn add<S>(&mut self, service: S)
    where
        S: Service<http::Request<Body>, Response = http::Response<Body>, Error = std::convert::Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.health.names.push(S::NAME);
        self.health.reporter.set_service_status(S::NAME, ServingStatus::NotServing).await;
        self.routes.add_service(service);
    }

    /// Admits the keys of service accounts, too.
    pub fn admit_accounts(&mut self, door: Arc<dyn Door>) {
        self.door = Some(door);
    }

    /// Accepts connections through `acceptor`.
    pub fn accept_through(&mut self, acceptor: Acceptor) {
        self.acceptor = acceptor;
    }

    /// The health answer of the services that were added.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Serves until shutdown, then closes every connection gracefully and answers open calls.
    pub async fn serve(
        mut self,
        listener: TcpListener,
        keys: ServiceKeys,
        bounds: Bounds,
        shutdown: Shutdown,
    ) -> Result<(), Error> {
        self.routes.add_service(reflection().build_v1().map_err(Error::internal)?);
        // The clients of several languages only use the older one.
        self.routes.add_service(reflection().build_v1alpha().map_err(Error::internal)?);
        let health = self.health();
        let stop = async move {
            shutdown.triggered().await;
            health.end().await;
        };
        let connections = admitted(listener, Connections::new(bounds), self.door.clone(), self.acceptor);
        Server::builder()
            .layer(Guard::new(keys, self.door))
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_concurrent_streams(CALLS)
            .http2_keepalive_interval(Some(std::time::Duration::from_secs(30)))
            .add_routes(self.routes.routes())
            .serve_with_incoming_shutdown(connections, stop)
            .await
            .map_err(Error::internal)
    }
}

/// Admitted connections that are ready for HTTP. Handshakes do not block others; those that are not complete at the end
/// are aborted.
fn admitted(
    listener: TcpListener,
    connections: Connections,
    door: Option<Arc<dyn Door>>,
    acceptor: Acceptor,
) -> impl Stream<Item = io::Result<Admitted>> {
    let accepting = (listener, connections, door, acceptor, JoinSet::new());
    stream::unfold(accepting, |(listener, connections, door, acceptor, mut handshakes)| async move {
        let is_proxy = |address| door.as_ref().is_some_and(|door| door.is_proxy(address));
        let admitted = loop {
            tokio::select! {
                Some(shaken) = handshakes.join_next() => if let Ok(Some(admitted)) = shaken {
                    break admitted;
                },
                admitted = accept(&listener, &connections, is_proxy) => {
                    if !acceptor.shakes_hands() {
                        break admitted;
                    }
                    let acceptor = acceptor.clone();
                    handshakes.spawn(async move { acceptor.accept(admitted).await });
                }
            }
        };
        Some((Ok(admitted), (listener, connections, door, acceptor, handshakes)))
    })
}

/// The pause of the accept loop after a failure such as too many open files.
const REST: Duration = Duration::from_millis(50);

/// The next admitted connection; others are closed at once.
pub async fn accept(
    listener: &TcpListener,
    connections: &Connections,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> Admitted {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Some(place) = connections.admit(peer.ip(), is_trusted(peer.ip())) {
                    return Admitted::new(stream, place);
                }
                tracing::warn!(address = %peer.ip(), "a connection was refused: there are too many");
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// A connection that has already arrived, without waiting for one; `None` when no more are there. What has arrived but is
/// not accepted is reset when the listener is closed, with the request that may be on it.
pub fn accept_arrived(
    listener: &TcpListener,
    connections: &Connections,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> Option<Admitted> {
    loop {
        // Asks the kernel; tokio's own accept first waits for the reactor to say that one is there.
        let (socket, address) = socket2::SockRef::from(listener).accept().ok()?;
        let address = address.as_socket()?.ip();
        let stream = std::net::TcpStream::from(socket);
        let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)).ok()?;
        if let Some(place) = connections.admit(address, is_trusted(address)) {
            return Some(Admitted::new(stream, place));
        }
    }
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(tidings_proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}
