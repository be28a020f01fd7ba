//! One HTTP/1.1 connection, kept open.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Fault;

/// A connection to the server.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: header::HeaderValue,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self, Fault> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // A closed connection shows in the next call.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(Self { sender, host: header::HeaderValue::try_from(address.to_string())? })
    }

    /// Sends a request and collects the answer.
    pub async fn call(&mut self, mut request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Fault> {
        request.headers_mut().insert(header::HOST, self.host.clone());
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, body))
    }
}
