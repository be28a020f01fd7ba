//! How a command finds the server that it calls.

use std::fs;

use clap::Args;
use tidings_domain::Error;
use tidings_runtime::{Config, Connector, DataFolder, Wire, config::Addresses};

use crate::{demo, keys::SERVICE_KEY, ready};

/// A server by its address.
#[derive(Debug, Default, Args)]
pub struct Server {
    /// The server to call by its gRPC address, as HOST:PORT or a URL. A gateway's serves every command.
    #[arg(long, alias = "grpc", global = true, value_name = "ADDRESS")]
    server: Option<String>,
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
        let addresses = match self.server {
            Some(text) => addresses(config, &text)?,
            None => match peer {
                Some(peer) => peer.clone(),
                None => return Ok(None),
            },
        };
        Found::at(config, addresses).map(Some)
    }

    /// A running server: the one named on the command line, else the one on the data folder.
    pub async fn running(self, config: &Config, peer: Option<&Addresses>) -> Result<Wire, Error> {
        let found = match self.named(config, peer)? {
            Some(found) => found,
            None => on_data_folder(config)?,
        };
        found.ready_wire().await
    }
}

impl Found {
    fn at(config: &Config, addresses: Addresses) -> Result<Self, Error> {
        Ok(Self { addresses, key: key(config)?, connector: ready::connector(config)? })
    }

    /// A channel to it.
    pub fn wire(&self) -> Result<Wire, Error> {
        Wire::remote(&self.addresses, &self.key, &self.connector)
    }

    /// A channel to it once it says that it is ready.
    pub async fn ready_wire(&self) -> Result<Wire, Error> {
        ready::peer(&self.addresses, Some(&self.key), &self.connector)
            .await
            .map_err(|why| none_runs(&format!("{} is not ready ({why})", self.addresses)))?;
        self.wire()
    }
}

/// The server that last ran on the data folder; it may have stopped.
pub fn on_data_folder(config: &Config) -> Result<Found, Error> {
    let text = read(config, demo::ADDRESS_FILE)
        .map_err(|_| none_runs(&format!("none has run on the data folder {}", config.data.display())))?;
    Found::at(config, Addresses::read(&text))
}

/// Whether a process holds the data folder.
pub fn holds_data_folder(config: &Config) -> bool {
    DataFolder::is_in_use(&config.data)
}

/// The service key: the configured one, else the data folder's. None where neither is.
pub fn known_key(config: &Config) -> Option<String> {
    key(config).ok()
}

/// A server whose key is configured never writes it into its data folder.
fn key(config: &Config) -> Result<String, Error> {
    if let Some(key) = &config.service_key {
        return Ok(key.clone());
    }
    read(config, SERVICE_KEY).map_err(|error| {
        let rule =
            format!("is required to call a server, and {error}: set TIDINGS_SERVICE_KEY or TIDINGS_SERVICE_KEY_FILE");
        Error::invalid("service_key", rule)
    })
}

/// Reads addresses with commas between. Without a scheme they speak TLS if the configuration knows whom to trust.
pub fn addresses(config: &Config, text: &str) -> Result<Addresses, Error> {
    let is_tls = config.tls.certificate.is_some() || config.tls.peer_ca.is_some();
    let scheme = if is_tls { "https" } else { "http" };
    let refused = || Error::invalid("--server", format!("must be HOST:PORT or a URL, but is {text}"));
    let mut urls = Vec::new();
    for address in text.split(',').map(str::trim) {
        if address.contains("://") {
            urls.push(address.to_owned());
            continue;
        }
        let port = address.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
        if !matches!(port, Some(Ok(_))) {
            return Err(refused());
        }
        urls.push(format!("{scheme}://{address}"));
    }
    let addresses = Addresses::read(&urls.join(","));
    addresses.check("--server").map_err(|_| refused())?;
    Ok(addresses)
}

fn none_runs(why: &str) -> Error {
    let advice = "start one with `tidings serve`, or name one with --server";
    Error::invalid("a running server", format!("is required, but {why}: {advice}"))
}

fn read(config: &Config, name: &str) -> Result<String, Error> {
    let path = config.data.join(name);
    let text = fs::read_to_string(&path)
        .map_err(|error| Error::invalid("data", format!("{} cannot be read: {error}", path.display())))?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_host_and_port_or_by_a_url() {
        let mut config = Config::default();
        let read = |config: &Config, text: &str| addresses(config, text).map(|addresses| addresses.to_string());
        for (text, url) in [
            ("127.0.0.1:9090", "http://127.0.0.1:9090"),
            ("[::1]:9090", "http://[::1]:9090"),
            ("gateway:9090, http://other:1", "http://gateway:9090,http://other:1"),
            ("https://gateway:9090", "https://gateway:9090"),
        ] {
            assert_eq!(read(&config, text).unwrap(), url);
        }
        for wrong in ["gateway", "gateway:", ":9090", "gateway:http", "ftp://gateway:1", "", "a:1,,b:2", "a b:1"] {
            let said = read(&config, wrong).unwrap_err().to_string();
            assert_eq!(said, format!("--server must be HOST:PORT or a URL, but is {wrong}"));
        }
        config.tls.peer_ca = Some("/ca.pem".into());
        assert_eq!(read(&config, "gateway:9090").unwrap(), "https://gateway:9090");
    }
}
