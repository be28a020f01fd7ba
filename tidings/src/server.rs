//! How a command finds the server that it calls.

use std::fs;

use clap::Args;
use tidings_domain::Error;
use tidings_runtime::{Config, Connector, Wire, config::Addresses};

use crate::{demo, ready};

/// A server by its address.
#[derive(Debug, Default, Args)]
pub struct Server {
    /// The gRPC address of the service to call, as http://host:port or https://host:port.
    #[arg(long, global = true)]
    grpc: Option<String>,
}

/// A server's address and key.
pub struct Found {
    addresses: Addresses,
    key: String,
    connector: Connector,
}

impl Server {
    /// The server named on the command line, else the one at `peer`, named by the config.
    pub fn named(self, config: &Config, peer: Option<&Addresses>) -> Result<Option<Found>, Error> {
        let Some(addresses) = self.grpc.map(|text| Addresses::read(&text)).or_else(|| peer.cloned()) else {
            return Ok(None);
        };
        let key = match &config.service_key {
            Some(key) => key.clone(),
            None => read(config, "service.key")?,
        };
        Ok(Some(Found { addresses, key, connector: ready::connector(config)? }))
    }

    /// A running server: the one named on the command line, else the one on the data folder.
    pub async fn running(self, config: &Config, peer: Option<&Addresses>) -> Result<Wire, Error> {
        let found = match self.named(config, peer)? {
            Some(found) => found,
            None => on_data_folder(config)
                .map_err(|_| none_runs(&format!("none has run on the data folder {}", config.data.display())))?,
        };
        ready::peer(&found.addresses, Some(&found.key), &found.connector)
            .await
            .map_err(|why| none_runs(&format!("{} is not ready ({why})", found.addresses)))?;
        found.wire()
    }
}

impl Found {
    /// A channel to it.
    pub fn wire(&self) -> Result<Wire, Error> {
        Wire::remote(&self.addresses, &self.key, &self.connector)
    }
}

/// The server that last ran on the data folder; it may have stopped.
pub fn on_data_folder(config: &Config) -> Result<Found, Error> {
    Ok(Found {
        addresses: Addresses::read(&read(config, demo::ADDRESS_FILE)?),
        key: read(config, "service.key")?,
        connector: ready::connector(config)?,
    })
}

/// The service key in the data folder, if there is one.
pub fn key_on_data_folder(config: &Config) -> Option<String> {
    read(config, "service.key").ok()
}

fn none_runs(why: &str) -> Error {
    let advice = "start one with `tidings serve`, or name one with --grpc";
    Error::invalid("a running server", format!("is required, but {why}: {advice}"))
}

fn read(config: &Config, name: &str) -> Result<String, Error> {
    let path = config.data.join(name);
    let text = fs::read_to_string(&path)
        .map_err(|error| Error::invalid("data", format!("{} cannot be read: {error}", path.display())))?;
    Ok(text.trim().to_owned())
}
