//! The stream of an admitted connection: it ends when its slot is given to another connection, and fails when its peer
//! does not read.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tonic::transport::server::{Connected, TcpConnectInfo};

use crate::{connections::Connection, paced::Paced, tls::MaybeTls};

/// Bytes in the kernel's send buffer before a stream counts as full. Bytes beyond that were sent, so progress measures
/// what the client reads, not what the kernel buffers.
const UNSENT: u32 = 128 * 1024;

/// See the module.
pub struct Admitted {
    stream: MaybeTls<Paced<TcpStream>>,
    place: Arc<Connection>,
    closing: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
}

impl Admitted {
    /// The stream of the slot `place`.
    pub fn new(stream: TcpStream, place: Connection) -> Self {
        let socket = socket2::SockRef::from(&stream);
        // Responses are small and complete: there is no gain in coalescing them.
        let set = socket.set_tcp_nodelay(true).and_then(|()| socket.set_tcp_notsent_lowat(UNSENT));
        if let Err(error) = set {
            tracing::debug!(%error, "socket options");
        }
        Self::over(MaybeTls::Plain(Paced::new(stream)), Arc::new(place))
    }

    /// The same with a stream that has a slot already.
    pub(crate) fn over(stream: MaybeTls<Paced<TcpStream>>, place: Arc<Connection>) -> Self {
        let waiting = Arc::clone(&place);
        let closing = Box::pin(async move { waiting.closing().await });
        Self { stream, place, closing }
    }

    /// The stream and its slot.
    pub(crate) fn into_parts(self) -> (MaybeTls<Paced<TcpStream>>, Arc<Connection>) {
        (self.stream, self.place)
    }

    /// Whether it is encrypted.
    pub const fn is_tls(&self) -> bool {
        self.stream.is_tls()
    }

    fn tcp(&self) -> &TcpStream {
        self.stream.get_ref().get_ref()
    }

    /// The peer's address.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.tcp().peer_addr().ok()
    }

    /// Its slot.
    pub const fn place(&self) -> &Arc<Connection> {
        &self.place
    }
}

/// What a gRPC request knows of its connection.
#[derive(Clone)]
pub struct Peer {
    pub(crate) tcp: TcpConnectInfo,
    pub(crate) place: Arc<Connection>,
}

impl Connected for Admitted {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        Peer { tcp: self.tcp().connect_info(), place: Arc::clone(&self.place) }
    }
}

impl AsyncRead for Admitted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_pending() && self.closing.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        read
    }
}

impl AsyncWrite for Admitted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
