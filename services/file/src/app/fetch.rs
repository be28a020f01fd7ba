//! Takes in a file from another server (agora.md 7, `need_download`).
//!
//! Whoever names the address is a stranger to our network. So the address that a name leads to is looked at when the
//! connection is made, the same for every redirect, and only addresses of the open internet are asked, unless the app's
//! policy allows others.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use reqwest::{
    Client, Response, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{CONTENT_TYPE, LOCATION},
    redirect::Policy,
};
use tidings_domain::{App, Error, StoredFile};
use tidings_runtime::is_public;

use super::{
    Core,
    upload::{self, Header, Part},
};

/// How long all of it may take.
const LONGEST: Duration = Duration::from_secs(20);
/// How long another server may take to take the call.
const CONNECT: Duration = Duration::from_secs(5);
/// Redirects that are followed.
const HOPS: usize = 5;

/// Clients for the open internet, and for everywhere.
#[derive(Debug)]
pub struct Fetcher {
    open: Client,
    everywhere: Client,
}

impl Fetcher {
    pub fn new() -> Result<Self, Error> {
        let client = |open_only| {
            let builder =
                Client::builder().redirect(Policy::none()).no_proxy().connect_timeout(CONNECT).timeout(LONGEST);
            // No connection is used twice: whoever is asked rarely may have closed it.
            let builder = builder.pool_max_idle_per_host(0);
            builder.dns_resolver(Arc::new(Resolver { open_only })).build().map_err(Error::internal)
        };
        Ok(Self { open: client(true)?, everywhere: client(false)? })
    }
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

/// Fetches a file and keeps it as an upload of the app would be.
pub async fn fetch(core: Arc<Core>, app: Arc<App>, url: &str, name: &str) -> Result<StoredFile, Error> {
    let answer = asked(&core.fetcher, &app, url).await?;
    let header = Header {
        name: name.to_owned(),
        content_type: answer
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
        restricted: false,
        internal: false,
        uuid: None,
    };
    let chunks = answer.bytes_stream().map(|chunk| chunk.map(Part::Chunk).map_err(|_| wrong("the answer broke off")));
    let parts = chunks.chain(stream::iter([Ok(Part::Done)]));
    upload::upload(core, app, header, Box::pin(parts)).await
}

/// The answer behind all redirects.
async fn asked(fetcher: &Fetcher, app: &App, url: &str) -> Result<Response, Error> {
    let open_only = !app.policy.fetch_private;
    let client = if open_only { &fetcher.open } else { &fetcher.everywhere };
    let mut url = Url::parse(url).map_err(|_| wrong("it is no URL"))?;
    for _ in 0..=HOPS {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("it is neither http nor https"));
        }
        // A name is looked at by the resolver, an address here.
        if open_only && literal(&url).is_some_and(|address| !is_public(address)) {
            return Err(wrong("it leads to no public address"));
        }
        let answer = client.get(url.clone()).send().await.map_err(|_| wrong("there was no answer"))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
        url = match to.filter(|_| answer.status().is_redirection()).map(|to| url.join(to)) {
            Some(Ok(to)) => to,
            Some(Err(_)) => return Err(wrong("it leads to no URL")),
            None => return Err(wrong(&format!("the answer was {}", answer.status().as_u16()))),
        };
    }
    Err(wrong("it leads on and on"))
}

fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

fn wrong(why: &str) -> Error {
    Error::invalid("url", format!("cannot be downloaded: {why}"))
}
