//! Connections of the WebSocket clients, with or without TLS.

use std::fmt::Debug;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// An open connection.
pub trait Duplex: AsyncRead + AsyncWrite + Debug + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Debug + Send + Sync + Unpin> Duplex for S {}

/// A connection to a URL in plain text.
pub(crate) async fn dial(url: &str) -> Box<dyn Duplex> {
    let address = url.trim_start_matches("http://").split('/').next().unwrap_or_default();
    Box::new(TcpStream::connect(address).await.expect("a connection"))
}
