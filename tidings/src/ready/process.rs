//! Asks a process whether it is ready.

use std::{error::Error, io, net::SocketAddr, time::Duration};

use http::{HeaderValue, Uri, header::USER_AGENT, uri::Scheme};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tidings_runtime::{Connector, Protocol, tls::MaybeTls};
use tokio::{net::TcpStream, time::timeout};
use tonic::{Request, Response, Status, body::Body};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_client::HealthClient};

const PATIENCE: Duration = Duration::from_secs(2);

/// See the module.
#[derive(Debug)]
pub struct Process {
    uri: Uri,
    address: SocketAddr,
}

/// Each process that the name in an address resolves to, at least one; the error is text.
pub async fn processes(url: &str) -> Result<Vec<Process>, String> {
    let uri: Uri = url.parse().map_err(|_| format!("{url} is not a valid address"))?;
    let usual = match uri.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        _ => return Err("no http:// or https:// address".to_owned()),
    };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let found = timeout(PATIENCE, tokio::net::lookup_host((host, uri.port_u16().unwrap_or(usual)))).await;
    let mut found: Vec<SocketAddr> = match found {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(error)) => return Err(format!("no connection: {error}")),
        Err(_) => return Err("no connection: its name was not resolved in time".to_owned()),
    };
    found.dedup();
    if found.is_empty() {
        return Err("no connection: its name has no address".to_owned());
    }
    Ok(found.into_iter().map(|address| Process { uri: uri.clone(), address }).collect())
}

impl Process {
    /// Its own address.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The host and port that were called.
    pub fn host(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }

    /// Connects.
    pub async fn connect(&self, connector: &Connector, protocol: Protocol) -> io::Result<MaybeTls<TcpStream>> {
        let scheme = self.uri.scheme().unwrap_or(&Scheme::HTTP);
        let connecting = connector.connect((scheme, self.uri.host().unwrap_or_default()), self.address, protocol);
        timeout(PATIENCE, connecting).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// Calls the health service, over a connection of its own. `Err` says why there is none.
    pub async fn check(
        &self,
        connector: &Connector,
        request: Request<HealthCheckRequest>,
    ) -> Result<Result<Response<HealthCheckResponse>, Status>, String> {
        let stream =
            self.connect(connector, Protocol::Http2).await.map_err(|error| format!("no connection: {error}"))?;
        let mut builder = http2::Builder::new(TokioExecutor::new());
        let opened = builder.timer(TokioTimer::new()).handshake(TokioIo::new(stream)).await;
        let (requests, connection) = opened.map_err(|error| format!("no connection: {}", cause(&error)))?;
        let channel = tower::service_fn(move |mut request: http::Request<Body>| {
            request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(tidings_domain::USER_AGENT));
            let mut requests = requests.clone();
            async move { requests.send_request(request).await }
        });
        let mut client = HealthClient::with_origin(channel, self.uri.clone());
        let broken = async {
            match connection.await {
                Err(error) => error,
                // The answer may be there.
                Ok(()) => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            // A peer that refuses our certificate says so after the handshake.
            error = broken => Err(format!("no connection: {}", cause(&error))),
            answer = timeout(PATIENCE, client.check(request)) => answer.map_err(|_| "no answer in time".to_owned()),
        }
    }
}

/// The innermost error.
fn cause(mut error: &(dyn Error + 'static)) -> String {
    while let Some(inner) = error.source() {
        error = inner;
    }
    error.to_string()
}
