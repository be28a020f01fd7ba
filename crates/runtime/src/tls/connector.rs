//! Connections to other processes, with TLS where the address begins with `https://`.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
};

use http::uri::Scheme;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{
    configs::{Configs, Protocol},
    maybe::MaybeTls,
};

/// Makes connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Connector(Option<Arc<RwLock<Arc<Configs>>>>);

impl Connector {
    /// Only for `http://`.
    pub const fn plain() -> Self {
        Self(None)
    }

    pub(super) const fn new(current: Arc<RwLock<Arc<Configs>>>) -> Self {
        Self(Some(current))
    }

    /// Connects to the process at `address`, which an URL with that scheme and host names. The caller sets a timeout. An
    /// error of kind `InvalidData` or `InvalidInput` says that one side does not trust the other.
    pub async fn connect(
        &self,
        (scheme, host): (&Scheme, &str),
        address: SocketAddr,
        protocol: Protocol,
    ) -> io::Result<MaybeTls<TcpStream>> {
        let secure = if *scheme == Scheme::HTTPS { Some(self.secure(host, protocol)?) } else { None };
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        match secure {
            None => Ok(MaybeTls::Plain(stream)),
            Some((connector, name)) => {
                let stream = connector.connect(name, stream).await?;
                Ok(MaybeTls::Tls(Box::new(stream.into())))
            }
        }
    }

    fn secure(&self, host: &str, protocol: Protocol) -> io::Result<(TlsConnector, ServerName<'static>)> {
        let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidInput, why);
        let current =
            self.0.as_ref().map(|current| Arc::clone(&current.read().unwrap_or_else(PoisonError::into_inner)));
        let config = current.and_then(|configs| configs.peer(protocol));
        let config = config.ok_or_else(|| invalid("https:// needs tls.peer_ca in the configuration".to_owned()))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host).map_err(|_| invalid(format!("{host} is not a host name")))?;
        Ok((TlsConnector::from(config), name.to_owned()))
    }
}
