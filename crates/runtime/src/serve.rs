//! Serves gRPC over TCP: the given services, health and reflection.

use std::{io, net::IpAddr, time::Duration};

use futures_util::{Stream, stream};
use tidings_domain::Error;
use tokio::net::TcpListener;
use tonic::{
    body::Body,
    server::NamedService,
    service::{Routes, RoutesBuilder},
    transport::Server,
};
use tonic_health::server::HealthReporter;
use tower::Service;

use crate::{
    Admitted, Bounds, Connections, Shutdown,
    guard::Guard,
    wire::{CALLS, CONNECTION_WINDOW, STREAM_WINDOW},
};

/// Binds an address, with an error that names it.
pub async fn bind(address: &str) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Error::invalid("listen", format!("cannot bind {address}: {error}")).because(error))
}

/// A gRPC server in the making.
pub struct GrpcServer {
    routes: RoutesBuilder,
    health: HealthReporter,
    names: Vec<&'static str>,
}

impl Default for GrpcServer {
    fn default() -> Self {
        let (health, service) = tonic_health::server::health_reporter();
        let mut routes = Routes::builder();
        routes.add_service(service);
        Self { routes, health, names: Vec::new() }
    }
}

impl GrpcServer {
    /// Adds a service and reports it as healthy.
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
        self.names.push(S::NAME);
        self.health.set_service_status(S::NAME, tonic_health::ServingStatus::Serving).await;
        self.routes.add_service(service);
    }

    /// Serves until shutdown, then answers what has begun.
    pub async fn serve(
        mut self,
        listener: TcpListener,
        service_key: &str,
        bounds: Bounds,
        shutdown: Shutdown,
    ) -> Result<(), Error> {
        self.routes.add_service(reflection()?);
        let (health, names) = (self.health, self.names);
        let stop = async move {
            shutdown.triggered().await;
            for name in names {
                health.set_service_status(name, tonic_health::ServingStatus::NotServing).await;
            }
        };
        Server::builder()
            .layer(Guard::new(service_key))
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_concurrent_streams(CALLS)
            .http2_keepalive_interval(Some(std::time::Duration::from_secs(30)))
            .add_routes(self.routes.routes())
            .serve_with_incoming_shutdown(admitted(listener, Connections::new(bounds)), stop)
            .await
            .map_err(Error::internal)
    }
}

/// The connections that find a place.
fn admitted(listener: TcpListener, connections: Connections) -> impl Stream<Item = io::Result<Admitted>> {
    let accepting = (listener, connections);
    stream::unfold(accepting, |(listener, connections)| async move {
        let admitted = accept(&listener, &connections, |_| false).await;
        Some((Ok(admitted), (listener, connections)))
    })
}

/// How long accepting rests after a failure such as too many open files.
const REST: Duration = Duration::from_millis(50);

/// The next connection that finds a place; others are closed at once.
pub async fn accept(
    listener: &TcpListener,
    connections: &Connections,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> Admitted {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => match connections.admit(peer.ip(), is_trusted(peer.ip())) {
                Some(place) => return Admitted::new(stream, place),
                None => tracing::warn!(address = %peer.ip(), "a connection was refused: there are too many"),
            },
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

fn reflection() -> Result<
    tonic_reflection::server::v1::ServerReflectionServer<impl tonic_reflection::server::v1::ServerReflection>,
    Error,
> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(tidings_proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(Error::internal)
}
