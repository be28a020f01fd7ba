//! The one HTTP client for other people's servers.
//!
//! Whoever names an address is a stranger to our network. So the address that a name leads to is looked at when the
//! connection is made, and only addresses of the open internet are asked, unless the caller allows others. Redirects are
//! not followed, and no proxy stands between.

mod address;
mod public_address;

use std::{
    error::Error as StdError,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

pub use address::{check_token, check_url};
pub use public_address::is_public;
pub use reqwest::{self, Client, Response, Url};
use reqwest::{
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use tidings_domain::{Error, USER_AGENT};

/// How long another server may take to take the call.
const CONNECT: Duration = Duration::from_secs(5);

/// Names the TLS backend of this process. Comes before anything else of this crate.
pub fn name_tls_backend() {
    // Another part of the process may have named one, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// What is said where HTTPS cannot be spoken.
pub const NO_CERTIFICATES: &str =
    "this machine has no CA certificates to check an https server by: install them (Debian: ca-certificates)";

/// Whether this machine has CA certificates. Without any, plain HTTP works all the same.
pub fn has_certificates() -> bool {
    name_tls_backend();
    Client::builder().no_proxy().build().is_ok()
}

/// Clients for the open internet, and for everywhere.
#[derive(Debug)]
pub struct Outbound {
    open: Client,
    everywhere: Client,
    /// Whether they can check the certificate of a server.
    speaks_https: bool,
}

impl Outbound {
    /// `idle` is how many connections to one server are kept open for the next call.
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

    /// The client for that URL. Only addresses of the open internet unless `everywhere`; `Err` says why not.
    pub fn client(&self, url: &Url, everywhere: bool) -> Result<&Client, &'static str> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err("it is neither http nor https");
        }
        if url.scheme() == "https" && !self.speaks_https {
            return Err(NO_CERTIFICATES);
        }
        // A name is looked at by the resolver, an address here.
        if !everywhere && literal(url).is_some_and(|address| !is_public(address)) {
            return Err("it leads to no public address");
        }
        Ok(if everywhere { &self.everywhere } else { &self.open })
    }
}

/// The beginning of an answer's body, up to `most` bytes, and what broke it off. The rest is not listened to.
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

/// What is behind a failure, without the address, which may hold secrets.
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

/// Gives the addresses of a name that may be asked.
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
                return Err(io::Error::other("the name leads to no public address").into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
