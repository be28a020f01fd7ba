//! The addresses to listen on.

use std::{io::ErrorKind, net::TcpListener};

use tidings_runtime::{Config, Connector, config::Addresses};

use crate::ready::{self, reachable};

/// Whether a process could listen at the configured addresses. One that serves already holds them.
pub async fn check(
    config: &Config,
    is_served: bool,
    connector: &Connector,
) -> [(&'static str, Result<String, String>); 2] {
    let rest = check_one("listen", &config.listen, async |taken: &str| {
        is_served || ready::gateway(&ready::at(config, taken), connector).await.is_ok()
    });
    let grpc = check_one("grpc_listen", config.grpc_address(), async |taken: &str| {
        is_served || ready::peer(&Addresses::read(&ready::at(config, taken)), None, connector).await.is_ok()
    });
    [("listen", rest.await), ("grpc_listen", grpc.await)]
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
