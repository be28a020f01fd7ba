//! Minimum transfer rates for the peer of a connection.
//!
//! A peer that reads or sends too slowly holds memory and a slot for nothing. So a transfer that waits for its client
//! has [`GRACE`] to make progress, and every byte adds time, at [`RATE`]. Time in which the server has nothing to send
//! or does not want to read does not count.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// How long a transfer may stall.
pub const GRACE: Duration = Duration::from_secs(20);
/// Bytes a second below which a transfer is eventually cut off. Slower than any phone's network.
const RATE: u32 = 4096;

/// The time budget of one transfer.
#[derive(Debug)]
pub struct Pace {
    grace: Duration,
    /// Bytes a second.
    rate: u32,
    /// What is left of `grace`, once it has waited.
    left: Option<Duration>,
    /// When the budget is used up, while it waits for its client.
    deadline: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { grace: GRACE, rate: RATE, left: None, deadline: None, timer: None }
    }
}

impl Pace {
    /// It waits for its client; ready when the budget is used up.
    pub fn poll_waiting(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + self.left.unwrap_or(self.grace));
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(context)
    }

    /// Adds time for bytes that were transferred.
    pub fn moved(&mut self, bytes: usize) {
        if let Some(deadline) = self.deadline.take() {
            self.left = Some(deadline.saturating_duration_since(Instant::now()));
        }
        if let Some(left) = self.left {
            let more = Duration::from_secs(1) * u32::try_from(bytes).unwrap_or(u32::MAX) / self.rate;
            self.left = Some(left.saturating_add(more)).filter(|left| *left < self.grace);
        }
    }

    /// The transfer is complete.
    pub const fn finish(&mut self) {
        (self.left, self.deadline) = (None, None);
    }
}

/// A connection that fails when its peer does not read.
#[derive(Debug)]
pub struct Paced<S> {
    stream: S,
    writing: Pace,
}

impl<S> Paced<S> {
    /// Monitors writes to `stream`.
    pub fn new(stream: S) -> Self {
        Self { stream, writing: Pace::default() }
    }

    /// The underlying connection.
    pub const fn get_ref(&self) -> &S {
        &self.stream
    }

    fn watched(&mut self, context: &mut Context<'_>, wrote: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match wrote {
            Poll::Ready(Ok(bytes)) => self.writing.moved(bytes),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                if self.writing.poll_waiting(context).is_ready() {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")));
                }
            }
        }
        wrote
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watched(context, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.watched(context, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called when everything pending has been written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() {
            self.writing.finish();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const SHORT: Duration = Duration::from_millis(100);

    fn paced<S>(stream: S, rate: u32) -> Paced<S> {
        Paced { stream, writing: Pace { grace: SHORT, rate, ..Pace::default() } }
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_cut_off() {
        let (server, _client) = duplex(16);
        let error = paced(server, RATE).write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_client_that_takes_a_byte_now_and_then_is_cut_off_too() {
        let (server, mut client) = duplex(16);
        let mut server = paced(server, RATE);
        let writing = async { server.write_all(&vec![0; 1024 * 1024]).await.unwrap_err().kind() };
        let taking = async {
            loop {
                tokio::time::sleep(SHORT / 10).await;
                client.read_u8().await.unwrap();
            }
        };
        tokio::select! {
            kind = writing => assert_eq!(kind, io::ErrorKind::TimedOut),
            () = taking => {}
        }
    }

    #[tokio::test]
    async fn a_slow_client_that_keeps_the_rate_gets_everything_and_pauses_of_the_server_do_not_count() {
        let (server, mut client) = duplex(1024);
        let mut server = paced(server, 1);
        let writing = async {
            for _ in 0..2 {
                server.write_all(&[7; 8 * 1024]).await.unwrap();
                server.flush().await.unwrap();
                tokio::time::sleep(SHORT * 2).await;
            }
        };
        let taking = async {
            let (mut taken, mut some) = (0, [0; 1024]);
            while taken < 16 * 1024 {
                tokio::time::sleep(SHORT / 10).await;
                taken += client.read(&mut some).await.unwrap();
            }
        };
        tokio::join!(writing, taking);
    }
}
