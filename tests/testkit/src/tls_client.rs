//! A client that trusts an authority, and may show a certificate.

use std::sync::Arc;

use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::transport::{Channel, Endpoint};

use crate::{Authority, Issued, process::name_tls_backend};

/// See the module.
#[derive(Debug, Clone)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
}

impl TlsClient {
    /// A client of servers with a certificate by `authority`.
    ///
    /// # Panics
    /// When a file cannot be read.
    pub fn new(authority: &Authority, shown: Option<&Issued>) -> Self {
        name_tls_backend();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(authority.der().to_vec())).expect("a certificate");
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("versions");
        let builder = builder.with_root_certificates(roots);
        let config = match shown {
            None => builder.with_no_client_auth(),
            Some(shown) => {
                let key = PrivateKeyDer::from_pem_file(&shown.key).expect("a key");
                builder.with_client_auth_cert(vec![shown.der.clone().into()], key).expect("a certificate and its key")
            }
        };
        Self { config: Arc::new(config) }
    }

    /// For REST.
    ///
    /// # Panics
    /// Never: the configuration is one of rustls.
    pub fn http(&self) -> reqwest::Client {
        let config = ClientConfig::clone(&self.config);
        reqwest::Client::builder().no_proxy().tls_backend_preconfigured(config).build().expect("a client")
    }

    /// A connection to `host:port`, on which that protocol is spoken.
    ///
    /// # Errors
    /// When one side refuses the other.
    pub async fn dial(&self, address: &str, protocol: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(address).await?;
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let name = ServerName::try_from("localhost").expect("a name");
        connector.with_alpn(vec![protocol.as_bytes().to_vec()]).connect(name, stream).await
    }

    /// A gRPC channel to an endpoint.
    pub fn grpc(&self, endpoint: &Endpoint) -> Channel {
        let (client, address) = (self.clone(), endpoint.uri().authority().map(ToString::to_string).unwrap_or_default());
        endpoint.connect_with_connector_lazy(tower::service_fn(move |_| {
            let (client, address) = (client.clone(), address.clone());
            async move { client.dial(&address, "h2").await.map(TokioIo::new) }
        }))
    }
}
