//! The one HTTP client for servers of third parties.
//!
//! URLs are chosen by parties outside our network. So the resolved address is checked when the connection is made, and
//! only public addresses are called, unless the caller allows others. Redirects are not followed, and no proxy is used.

mod address;
mod hook;
mod public_address;

use std::{
    error::Error as StdError,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

pub use address::{check_token, check_url};
pub use hook::HookQuestion;
pub use public_address::is_public;
pub use reqwest::{self, Client, Response, Url};
use reqwest::{
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use tidings_domain::{Error, USER_AGENT};

/// The timeout of connecting.
const CONNECT: Duration = Duration::from_secs(5);

/// Installs the TLS backend of this process. Must be called before anything else of this crate.
pub fn name_tls_backend() {
    // Another part of the process may have installed one, which works as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The message where HTTPS is not available.
pub const NO_CERTIFICATES: &str =
    "this machine has no CA certificates to check an https server by: install them (Debian: ca-certificates)";

/// Whether this machine has CA certificates. Without any, plain HTTP still works.
pub fn has_certificates() -> bool {
    name_tls_backend();
    Client::builder().no_proxy().build().is_ok()
}

/// Clients for public addresses, and for any address.
#[derive(Debug)]
pub struct Outbound {
    open: Client,
    everywhere: Client,
    /// Whether they can verify a server's certificate.
    speaks_https: bool,
}

impl Outbound {
    /// `idle` is the maximum number of idle connections kept open to one server.
    pub fn new(idle: usize) -> Result<Self, Error> {
        let speaks_https = has_certificates();
        if !speaks_https {
            tracing::warn!("{NO_CERTIFICATES}; until then, only http URLs are called");
        }
        let client = |open_only| {
            let builder = Client::builder().redirect(Policy::none()).no_proxy().connect_timeout(CONNECT);
            let builder = builder.user_agent(USER_AGENT);
            let builder = builder.pool_max_idle_per_host(idle).pool_idle_timeout(Duration::from_secs(30));
            let builder = if speaks_https { builder } else { builder.tls_certs_only([]) };
            builder.dns_resolver(Arc::new(Resolver { open_only })).build().map_err(Error::internal)
        };
        Ok(Self { open: client(true)?, everywhere: client(false)?, speaks_https })
    }

    /// The client for that URL. Only public addresses unless `everywhere`; `Err` says why not.
    pub fn client(&self, url: &Url, everywhere: bool) -> Result<&Client, &'static str> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err("it is neither http nor https");
        }
        if url.scheme() == "https" && !self.speaks_https {
            return Err(NO_CERTIFICATES);
        }
        // Host names are checked by the resolver, literal addresses here.
        if !everywhere && literal(url).is_some_and(|address| !is_public(address)) {
            return Err("it resolves to no public address");
        }
        Ok(if everywhere { &self.everywhere } else { &self.open })
    }
}

/// The beginning of a response's body, up to `most` bytes, and the error that cut it off. The rest is not read.
pub async fn beginning(mut response: Response, most: usize) -> (Vec<u8>, Option<reqwest::Error>) {
    let mut bytes = Vec::new();
    while bytes.len() < most {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk[..chunk.len().min(most - bytes.len())]),
            Ok(None) => break,
            Err(error) => return (bytes, Some(error)),
        }
    }
    (bytes, None)
}

/// The cause of a failure, without the URL, which may hold secrets.
pub fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn StdError = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if error.is_timeout() { "it did not answer in time".to_owned() } else { cause.to_string() }
}

fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

/// Resolves a name to the addresses that may be called.
struct Resolver {
    open_only: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let open_only = self.open_only;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|found| !open_only || is_public(found.ip())).collect();
            if allowed.is_empty() {
                return Err(io::Error::other("the name resolves to no public address").into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
