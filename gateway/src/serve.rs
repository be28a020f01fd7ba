//! The REST server: HTTP/1.1 connections in front of the routes.

use std::{net::SocketAddr, time::Duration};

use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use crate::{Gateway, router};

/// How long a client may take over the head of a request, waiting for the next one included.
const HEAD_TIME: Duration = Duration::from_secs(75);
/// Most bytes that are read from a connection at once: what a transfer has in memory is a few times this.
const BUFFER: usize = 64 * 1024;
/// How long accepting rests after a failure such as too many open files.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stop` ends, then answers what has begun.
pub async fn serve(listener: TcpListener, gateway: Gateway, stop: impl Future<Output = ()>) {
    let stopping = gateway.stopping().clone();
    let routes = router(gateway);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(BUFFER);
    let graceful = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
        };
        let routes = routes.clone().map_request(move |request| from(request, peer));
        let connection = http.serve_connection(TokioIo::new(without_delay(stream)), TowerToHyperService::new(routes));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    stopping.trigger();
    graceful.shutdown().await;
}

/// The request with the address it came from.
fn from(request: http::Request<hyper::body::Incoming>, peer: SocketAddr) -> axum::extract::Request {
    let mut request = request.map(axum::body::Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

/// Answers are small and complete: they need not wait to be joined with others.
fn without_delay(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "nodelay");
    }
    stream
}
