//! The body of a request: one that arrives too slowly ends with an error.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tidings_runtime::Pace;

/// The client's body.
pub(crate) struct RequestBody {
    body: Incoming,
    pace: Pace,
    ended: Ended,
}

/// Whether a body was read to its end. Otherwise its connection cannot be used for another request.
#[derive(Debug, Clone)]
pub(crate) struct Ended(Arc<AtomicBool>);

impl Ended {
    pub fn is_true(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl RequestBody {
    pub fn new(body: Incoming) -> (Self, Ended) {
        let ended = Ended(Arc::new(AtomicBool::new(body.is_end_stream())));
        (Self { body, pace: Pace::default(), ended: ended.clone() }, ended)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, bytes::Buf::remaining);
                self.pace.moved(bytes);
                if self.body.is_end_stream() {
                    self.ended.0.store(true, Ordering::Relaxed);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(axum::Error::new(error)))),
            Poll::Ready(None) => {
                self.ended.0.store(true, Ordering::Relaxed);
                Poll::Ready(None)
            }
            Poll::Pending if self.pace.poll_waiting(context).is_ready() => {
                let slow = io::Error::new(io::ErrorKind::TimedOut, "the body comes too slowly");
                Poll::Ready(Some(Err(axum::Error::new(slow))))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
