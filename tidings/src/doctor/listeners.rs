//! The addresses to listen on.

use std::{io::ErrorKind, net::TcpListener};

use tidings_runtime::{Config, Connector, config::Addresses};

use crate::{
    metrics,
    ready::{self, reachable},
};

/// Whether a process could listen at the configured addresses. One that serves already holds them.
pub async fn check(
    config: &Config,
    is_served: bool,
    connector: &Connector,
) -> Vec<(&'static str, Result<String, String>)> {
    let rest = check_one("listen", &config.listen, async |taken: &str| {
        is_served || ready::gateway(&ready::at(config, taken), connector).await.is_ok()
    });
    let grpc = check_one("grpc_listen", config.grpc_address(), async |taken: &str| {
        is_served || ready::peer(&Addresses::read(&ready::at(config, taken)), None, connector).await.is_ok()
    });
    let mut found = vec![("listen", rest.await), ("grpc_listen", grpc.await)];
    if let Some(address) = config.metrics_listen.as_deref().filter(|address| *address != metrics::OFF) {
        let metrics =
            check_one("metrics_listen", address, async |taken: &str| is_served || ready::serves_metrics(taken).await);
        found.push(("metrics_listen", metrics.await));
    }
    found
}

/// What becomes of metrics where no address is configured for them.
pub async fn advice(config: &Config, is_served: bool) -> Option<String> {
    if config.metrics_listen.is_some() || is_served {
        return None;
    }
    let is_ours = async |taken: &str| ready::serves_metrics(taken).await;
    let taken = check_one("metrics_listen", metrics::DEFAULT, is_ours).await.err()?;
    Some(format!("are not served by a process with every role: {taken}"))
}

async fn check_one(name: &str, address: &str, is_ours: impl AsyncFnOnce(&str) -> bool) -> Result<String, String> {
    let remedy = format!("choose another address with TIDINGS_{}", name.to_ascii_uppercase());
    match TcpListener::bind(address).map_err(|error| (error.kind(), error)) {
        Ok(_) => Ok(format!("{address} is free")),
        Err((ErrorKind::AddrInUse, _)) => {
            let taken = reachable(address);
            if is_ours(&taken).await {
                return Ok(format!("{address} is served by a running process"));
            }
            Err(format!("another program listens at {taken}: stop it, or {remedy}"))
        }
        Err((_, error)) => Err(format!("{address} cannot be used: {error}; {remedy}")),
    }
}
