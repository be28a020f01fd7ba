//! `tidings ready`.

use std::io::{Write as _, stderr};

use clap::Args;
use tidings_domain::Error;
use tidings_runtime::Config;

use super::{connector, gateway, here, peer, warning};
use crate::server;

/// Which process.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tidings ready --rest http://127.0.0.1:8080")]
pub struct ReadyOptions {
    /// A service or a gateway by its gRPC address, as HOST:PORT or a URL.
    #[arg(long, alias = "grpc", conflicts_with = "rest", value_name = "ADDRESS")]
    server: Option<String>,
    /// A gateway by its REST address, as http://host:port or https://host:port.
    #[arg(long, value_name = "URL")]
    rest: Option<String>,
}

/// Succeeds if it is ready. A certificate that has expired is warned of: the process may serve with it, and would not start
/// again.
pub async fn ready(config: Result<Config, Error>, options: &ReadyOptions) -> Result<(), Error> {
    let (server, rest) = (options.server.as_deref(), options.rest.as_deref());
    // Without TLS nothing of the configuration matters.
    let is_plain = |text: &str| text.split(',').all(|address| address.trim().starts_with("http://"));
    let config = if server.or(rest).is_some_and(is_plain) { Config::default() } else { config? };
    let ready = match (server, rest) {
        (Some(text), _) => peer(&server::addresses(&config, text)?, None, &connector(&config)?).await.map(drop),
        (None, Some(url)) => gateway(url, &connector(&config)?).await,
        (None, None) => here(&config).await,
    };
    ready.map_err(|why| Error::invalid("the process", format!("is not ready: {why}")))?;
    if let Some(words) = warning(&config) {
        // Whether the warning can be written is no matter of readiness.
        let _ = writeln!(stderr(), "tidings: ready, but {words}");
    }
    Ok(())
}
