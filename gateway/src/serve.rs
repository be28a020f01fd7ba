//! The REST server: HTTP/1.1 connections, with TLS if that is configured, in front of the routes.
//!
//! Shutdown costs no client a request: while it drains, every answer closes its connection, so a proxy ends up keeping
//! none; then no connection is accepted any more; idle connections are closed last, since a request may be in flight on
//! them. It returns when connected clients are disconnected and that is reported to the directory.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::{body::Body, extract::ConnectInfo};
use http::{
    HeaderValue, Uri,
    header::{CONNECTION, EXPECT},
    uri::PathAndQuery,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tidings_runtime::{Acceptor, Admitted, Bounds, Connection, Connections, Shutdown, accept, accept_arrived};
use tokio::{
    net::TcpListener,
    sync::mpsc,
    time::{Instant, sleep, timeout_at},
};
use tower::ServiceExt as _;

use crate::{
    Gateway,
    client_address::{OverTls, is_trusted},
    connection::{AnswerBody, Busy, ClientStream},
    request_body::RequestBody,
    router,
};

/// How long a connection stays open between two requests.
const IDLE_TIME: Duration = Duration::from_secs(75);
/// Maximum bytes read from a connection at once: the memory of a transfer is a few times this.
const BUFFER: usize = 64 * 1024;
/// How long a TLS handshake may continue once idle connections are closed: its client may have sent a request behind
/// it.
const LAST_HANDSHAKES: Duration = Duration::from_secs(1);
/// How long it is waited for connected clients after the time that they have to go and to be reported.
const LAST_CLIENTS: Duration = Duration::from_millis(500);

/// Serves until `stop` is triggered, then finishes open requests. Idle connections stay open for `linger` after that.
pub async fn serve(
    (listener, acceptor): (TcpListener, Acceptor),
    gateway: Gateway,
    bounds: Bounds,
    stop: Shutdown,
    linger: Duration,
) {
    let (stopping, unfinished) = (gateway.stopping().clone(), gateway.unfinished().clone());
    let (announced, drained) = (stop.clone(), stopping.clone());
    let draining = tokio::spawn(async move {
        announced.draining().await;
        drained.drain();
    });
    let proxies = gateway.trusted_proxies().to_vec();
    let longest_stop = gateway.sockets().longest_stop();
    let is_proxy = |address: IpAddr| is_trusted(address.to_canonical(), &proxies);
    let routes = router(gateway);
    let connections = Connections::new(bounds);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(IDLE_TIME).max_buf_size(BUFFER);
    // Triggered when idle connections must be closed; each connection holds a sender until it has ended.
    let ending = Shutdown::default();
    let (alive, mut all_ended) = mpsc::channel::<Infallible>(1);
    let triggered = stop.triggered();
    tokio::pin!(triggered);
    let serve_one = |admitted: Admitted| {
        let (routes, acceptor, http) = (routes.clone(), acceptor.clone(), http.clone());
        let (alive, ending, stop) = (alive.clone(), ending.clone(), stop.clone());
        tokio::spawn(async move {
            let _alive = alive;
            let too_late = async {
                ending.triggered().await;
                sleep(LAST_HANDSHAKES).await;
            };
            let stream = tokio::select! {
                stream = acceptor.accept(admitted) => stream,
                () = too_late => None,
            };
            let Some(stream) = stream else {
                return;
            };
            let client = Client { place: Arc::clone(stream.place()), peer: stream.peer(), is_tls: stream.is_tls() };
            let answer = service_fn(move |request| {
                let (answer, stop) = (answer(routes.clone(), client.clone(), request), stop.clone());
                async move { Ok::<_, Infallible>(closing(answer.await?, &stop)) }
            });
            let connection = http.serve_connection(TokioIo::new(ClientStream::new(stream)), answer).with_upgrades();
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = ending.triggered() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    };
    loop {
        tokio::select! {
            () = &mut triggered => break,
            stream = accept(&listener, &connections, is_proxy) => serve_one(stream),
        }
    }
    while let Some(stream) = accept_arrived(&listener, &connections, is_proxy) {
        serve_one(stream);
    }
    drop(listener);
    draining.abort();
    stopping.trigger();
    let last = Instant::now() + longest_stop + LAST_CLIENTS;
    sleep(linger).await;
    ending.trigger();
    drop(alive);
    while all_ended.recv().await.is_some() {}
    if timeout_at(last, unfinished.none()).await.is_err() {
        tracing::warn!("some connected clients did not end in time");
    }
}

/// Consecutive slashes are one: joining a base URL, an org, an app and a path easily adds one too many, and no name is
/// empty. This is done before anything reads the path, so that routes, rights, links and log lines all use the same
/// one. A slash within a name is written as `%2F` and stays; what follows a `?` stays too.
fn with_single_slashes(uri: &mut Uri) {
    if !uri.path().contains("//") {
        return;
    }
    let mut path = String::with_capacity(uri.path().len());
    for c in uri.path().chars() {
        if c != '/' || !path.ends_with('/') {
            path.push(c);
        }
    }
    if let Some(query) = uri.query() {
        path.extend(["?", query]);
    }
    let mut parts = uri.clone().into_parts();
    // The path with fewer slashes is still a valid path.
    parts.path_and_query = PathAndQuery::try_from(path).ok();
    if let Ok(shorter) = Uri::from_parts(parts) {
        *uri = shorter;
    }
}

/// The last answer on its connection, once the process is to stop.
fn closing(mut answer: http::Response<AnswerBody>, stop: &Shutdown) -> http::Response<AnswerBody> {
    if stop.is_draining() {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// What a request knows of its connection.
#[derive(Clone)]
struct Client {
    place: Arc<Connection>,
    peer: Option<SocketAddr>,
    is_tls: bool,
}

/// Handles a request.
async fn answer(
    routes: axum::Router,
    client: Client,
    request: http::Request<Incoming>,
) -> Result<http::Response<AnswerBody>, Infallible> {
    let busy = Busy::new(&client.place);
    let (head, body) = request.into_parts();
    let (body, rest) = RequestBody::new(body, head.headers.contains_key(EXPECT));
    let mut request = http::Request::from_parts(head, Body::new(body));
    request.extensions_mut().insert(client.place);
    if client.is_tls {
        request.extensions_mut().insert(OverTls);
    }
    with_single_slashes(request.uri_mut());
    if let Some(peer) = client.peer {
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    let mut response = routes.oneshot(request).await?;
    if !rest.ends().await {
        // Tells the client, otherwise it would send its next request on a closing connection.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|body| AnswerBody { body, _busy: busy }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_in_a_row_are_one_and_nothing_else_changes() {
        for (path, single) in [
            ("/org/app/users", "/org/app/users"),
            ("//org/app/users", "/org/app/users"),
            ("/org//app///users////nora//", "/org/app/users/nora/"),
            ("////", "/"),
            ("/org/app/users/a%2F%2Fb", "/org/app/users/a%2F%2Fb"),
            ("/org//app/users/a%2f%2Fb?x=//&y=a//b", "/org/app/users/a%2f%2Fb?x=//&y=a//b"),
            ("/org/app/users?x=//", "/org/app/users?x=//"),
            ("//?", "/?"),
            ("/org//./../app", "/org/./../app"),
            ("http://chat.test//org//app?u=http://x//y", "http://chat.test/org/app?u=http://x//y"),
            ("*", "*"),
        ] {
            let mut uri: Uri = path.parse().expect("a URI");
            with_single_slashes(&mut uri);
            assert_eq!(uri.to_string(), single, "{path}");
        }
    }
}
