//! One client's connection: when it is idle, and the limits on a request's head and on what comes before a login.

use std::{
    future::Future as _,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use tidings_runtime::{Admitted, Connection};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// The timeout of a request's head, from its first byte.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Bytes that a client of a WebSocket may send before it has logged in: its first frame, several times over.
const BEFORE_LOGIN: usize = 16 * 1024;

/// The bytes of a client's connection.
pub(crate) struct ClientStream {
    stream: Admitted,
    head: Head,
    /// Bytes since it was upgraded, until the client has logged in.
    before_login: usize,
}

/// The head that is being read.
#[derive(Default)]
struct Head {
    has_begun: bool,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl ClientStream {
    pub fn new(stream: Admitted) -> Self {
        Self { stream, head: Head::default(), before_login: 0 }
    }

    /// Whoever has not said who they are costs little memory.
    fn check_before_login(&mut self, more: usize) -> io::Result<()> {
        if !self.stream.place().is_upgraded() {
            return Ok(());
        }
        self.before_login += more;
        if self.before_login > BEFORE_LOGIN {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "too much was sent before the login"));
        }
        Ok(())
    }
}

impl Head {
    /// Waits for more; fails after the timeout.
    fn check_time(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if !self.has_begun {
            return Ok(());
        }
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(HEAD_TIME)));
        if deadline.as_mut().poll(context).is_ready() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the head of a request takes too long"));
        }
        Ok(())
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let is_head = self.stream.place().is_idle();
        if !is_head {
            self.head = Head::default();
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if is_head {
            let more = buffer.filled().len() - before;
            self.head.has_begun |= more > 0;
            self.check_before_login(more)?;
        }
        // Once it was upgraded there are no more heads: its handler has a timeout of its own.
        if is_head && read.is_pending() && !self.stream.place().is_upgraded() {
            self.head.check_time(context)?;
        }
        read
    }
}

impl AsyncWrite for ClientStream {
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

/// A request in progress: its connection is busy until this is dropped.
pub(crate) struct Busy(Arc<Connection>);

impl Busy {
    pub fn new(place: &Arc<Connection>) -> Self {
        place.set_busy();
        Self(Arc::clone(place))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.set_idle();
    }
}

/// The body of an answer, which keeps its connection busy until all of it was passed to the connection.
pub(crate) struct AnswerBody {
    pub body: Body,
    /// Dropped with it.
    pub _busy: Busy,
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
