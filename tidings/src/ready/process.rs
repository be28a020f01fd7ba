//! A process that is asked whether it is ready, and the connection to it.

use std::{error::Error as _, io, net::SocketAddr, time::Duration};

use http::{Uri, uri::Scheme};
use hyper_util::rt::TokioIo;
use tidings_domain::USER_AGENT;
use tidings_runtime::{Connector, Protocol, tls::MaybeTls};
use tokio::{net::TcpStream, time::timeout};
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};

const PATIENCE: Duration = Duration::from_secs(2);

/// See the module.
#[derive(Debug)]
pub struct Process {
    uri: Uri,
    address: SocketAddr,
}

/// Each process that the name in an address resolves to, at least one; the error is in words.
pub async fn processes(url: &str) -> Result<Vec<Process>, String> {
    let uri: Uri = url.parse().map_err(|_| format!("{url} is no address"))?;
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

    /// Connects for gRPC; the error is in words.
    pub async fn channel(&self, connector: &Connector) -> Result<Channel, String> {
        let stream =
            self.connect(connector, Protocol::Http2).await.map_err(|error| format!("no connection: {error}"))?;
        let mut stream = Some(TokioIo::new(stream));
        // tonic itself has no TLS: to it the connection is a plain one.
        let endpoint = Endpoint::from_shared(format!("http://{}", self.host())).map_err(|error| error.to_string())?;
        let endpoint = endpoint.user_agent(USER_AGENT).map_err(|error| error.to_string())?.timeout(PATIENCE);
        let once = tower::service_fn(move |_: Uri| {
            let stream = stream.take().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected));
            async move { stream }
        });
        endpoint.connect_with_connector(once).await.map_err(|error| format!("no connection: {error}"))
    }
}

/// What a status says, and the cause behind it: a peer that refuses our certificate says so after the handshake.
pub fn in_words(status: &Status) -> String {
    let mut words = status.message().to_owned();
    let mut cause = status.source();
    while let Some(error) = cause {
        words = error.to_string();
        cause = error.source();
    }
    words
}
