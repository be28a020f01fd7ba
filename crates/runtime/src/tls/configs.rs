//! Builds the configurations of rustls from the files.

use std::sync::Arc;

use rustls::{
    ClientConfig, ServerConfig,
    crypto::{CryptoProvider, ring},
    server::WebPkiClientVerifier,
    sign::SingleCertAndKey,
};
use tidings_domain::{Error, UnixMillis};

use super::{files, identity::Identity, trust::Trust};
use crate::config::Tls;

/// The protocol of a connection, offered by ALPN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// REST.
    Http1,
    /// gRPC.
    Http2,
}

impl Protocol {
    fn offer(self) -> Vec<Vec<u8>> {
        match self {
            Self::Http1 => vec![b"http/1.1".to_vec()],
            Self::Http2 => vec![b"h2".to_vec()],
        }
    }
}

/// When a certificate ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertificateEnd {
    /// Who sees the certificate: `clients` or `peers`.
    pub shown_to: &'static str,
    /// Its end.
    pub at: UnixMillis,
}

/// Configurations that belong together. Absent ones are not configured.
#[derive(Debug, Default)]
pub(super) struct Configs {
    rest: Option<Arc<ServerConfig>>,
    grpc: Option<Arc<ServerConfig>>,
    grpc_peers: Option<Arc<ClientConfig>>,
    rest_peers: Option<Arc<ClientConfig>>,
    /// Whether clients of gRPC need a certificate.
    pub asks_clients: bool,
    pub ends: Vec<CertificateEnd>,
}

impl Configs {
    /// Reads every file. `valid_at`: when certificates of ours must be valid; `None` admits expired ones.
    pub fn read(tls: &Tls, valid_at: Option<UnixMillis>) -> Result<Self, Error> {
        let provider = Arc::new(ring::default_provider());
        let mut configs = Self { asks_clients: tls.client_ca.is_some(), ..Self::default() };
        let identity = |files| Identity::read(files, valid_at, &provider);
        let served = tls.served().map(identity).transpose()?;
        if let Some(served) = &served {
            configs.ends.push(CertificateEnd { shown_to: "clients", at: served.ends });
            configs.rest = Some(Arc::new(server(Protocol::Http1, served, None, &provider)?));
            configs.grpc = Some(Arc::new(server(Protocol::Http2, served, tls.client_ca.as_deref(), &provider)?));
        }
        let shown = tls.shown_to_peers().map(identity).transpose()?;
        if tls.peer_certificate.is_some() {
            configs.ends.extend(shown.iter().map(|shown| CertificateEnd { shown_to: "peers", at: shown.ends }));
        }
        if tls.peer_ca.is_some() || served.is_some() {
            let authorities =
                tls.peer_ca.as_deref().map(|path| files::authorities(("tls.peer_ca", path))).transpose()?;
            let own = served.and_then(|served| served.certified.cert.first().cloned());
            let trust = Trust::new(authorities, own, &provider).map_err(Error::internal)?;
            let grpc = client(trust, shown, &provider)?;
            let mut rest = grpc.clone();
            rest.alpn_protocols = Protocol::Http1.offer();
            configs.rest_peers = Some(Arc::new(rest));
            configs.grpc_peers = Some(Arc::new(grpc));
        }
        Ok(configs)
    }

    /// Of a listener.
    pub fn listener(&self, protocol: Protocol) -> Option<Arc<ServerConfig>> {
        match protocol {
            Protocol::Http1 => self.rest.clone(),
            Protocol::Http2 => self.grpc.clone(),
        }
    }

    /// Of a connection to another process.
    pub fn peer(&self, protocol: Protocol) -> Option<Arc<ClientConfig>> {
        match protocol {
            Protocol::Http1 => self.rest_peers.clone(),
            Protocol::Http2 => self.grpc_peers.clone(),
        }
    }
}

fn server(
    protocol: Protocol,
    identity: &Identity,
    client_ca: Option<&std::path::Path>,
    provider: &Arc<CryptoProvider>,
) -> Result<ServerConfig, Error> {
    let builder = ServerConfig::builder_with_provider(Arc::clone(provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(Error::internal)?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(files::authorities(("tls.client_ca", path))?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider)).build();
            builder.with_client_cert_verifier(verifier.map_err(Error::internal)?)
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&identity.certified))));
    config.alpn_protocols = protocol.offer();
    Ok(config)
}

fn client(trust: Trust, shown: Option<Identity>, provider: &Arc<CryptoProvider>) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(Error::internal)?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(trust));
    let mut config = match shown {
        Some(shown) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(shown.certified))),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = Protocol::Http2.offer();
    Ok(config)
}
