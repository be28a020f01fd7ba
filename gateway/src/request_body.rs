//! The body of a request: one that arrives too slowly ends with an error.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tidings_runtime::Pace;
use tokio::time::timeout;

/// Maximum bytes of a body that are read although the request was answered without them, and the time limit for that.
const MAX_REST: usize = 64 * 1024;
const REST_TIME: Duration = Duration::from_millis(100);

/// The client's body.
pub(crate) struct RequestBody {
    shared: Shared,
    pace: Pace,
}

/// The unread rest of a body whose request was answered.
pub(crate) struct UnreadBody {
    shared: Shared,
    /// The client waits for permission to send it.
    is_awaited: bool,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Incoming>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Incoming> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_frame(&self, context: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        Pin::new(&mut *self.lock()).poll_frame(context)
    }
}

impl RequestBody {
    /// `is_awaited`: the client sends its body only after `100 Continue` (`Expect: 100-continue`).
    pub fn new(body: Incoming, is_awaited: bool) -> (Self, UnreadBody) {
        let shared = Shared(Arc::new(Mutex::new(body)));
        (Self { shared: shared.clone(), pace: Pace::default() }, UnreadBody { shared, is_awaited })
    }
}

impl UnreadBody {
    /// Reads the rest and discards it. Returns whether the body has ended, so that the connection can take another
    /// request: a client that is refused early may still be sending a small body.
    pub async fn ends(self) -> bool {
        if self.shared.lock().is_end_stream() {
            return true;
        }
        if self.is_awaited {
            return false;
        }
        let rest = async {
            let mut left = MAX_REST;
            loop {
                match poll_fn(|context| self.shared.poll_frame(context)).await {
                    None => return true,
                    Some(Err(_)) => return false,
                    Some(Ok(frame)) => {
                        let bytes = frame.data_ref().map_or(0, Bytes::remaining);
                        match left.checked_sub(bytes) {
                            Some(less) => left = less,
                            None => return false,
                        }
                    }
                }
            }
        };
        timeout(REST_TIME, rest).await.unwrap_or(false)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = self.shared.poll_frame(context);
        match polled {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::remaining);
                self.pace.moved(bytes);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(axum::Error::new(error)))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending if self.pace.poll_waiting(context).is_ready() => {
                let slow = io::Error::new(io::ErrorKind::TimedOut, "the body arrives too slowly");
                Poll::Ready(Some(Err(axum::Error::new(slow))))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.shared.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.shared.lock().size_hint()
    }
}
