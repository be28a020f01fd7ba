//! Calls with the key of a service account, at an address that internal services call. Looking up keys is the
//! implementation's task.

use std::{
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http_body::Frame;
use tonic::{Status, body::Body};

use crate::rights::Right;

/// How often the key of a call whose answer is a stream is checked again.
const AGAIN: Duration = Duration::from_secs(3);

type Request = http::Request<Body>;

/// Admits the keys of service accounts.
pub trait Door: Send + Sync + 'static {
    /// The call as it is forwarded: as the app of the key, counted, and without metadata that such a caller must not
    /// set. Refused if the key is invalid, or does not allow that RPC.
    fn admit(
        self: Arc<Self>,
        key: String,
        right: &'static Right,
        request: Request,
    ) -> BoxFuture<'static, Result<Request, Refused>>;

    /// An id for a call that came without one.
    fn new_request_id(&self) -> String;

    /// Whether that address is a proxy's, which brings the calls of many.
    fn is_proxy(&self, address: IpAddr) -> bool;

    /// Whether the key is still valid.
    fn check(self: Arc<Self>, key: String) -> BoxFuture<'static, Result<(), Status>>;
}

/// A service account, and its app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountId {
    /// The number of the app.
    pub app: i64,
    /// The number of the account in it.
    pub account: i64,
}

/// A call that is not admitted.
#[derive(Debug)]
pub struct Refused {
    /// The answer.
    pub status: Status,
    /// Whose call it was; `None`: the key does not prove it.
    pub by: Option<AccountId>,
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        Self { status, by: None }
    }
}

/// The stream of an answer: it ends when its key does.
pub(crate) struct Watched {
    body: Body,
    door: Arc<dyn Door>,
    key: String,
    check: BoxFuture<'static, Result<(), Status>>,
    has_ended: bool,
}

impl Watched {
    pub fn new(body: Body, door: Arc<dyn Door>, key: String) -> Self {
        let check = later(Arc::clone(&door), key.clone());
        Self { body, door, key, check, has_ended: false }
    }
}

async fn check_later(door: Arc<dyn Door>, key: String) -> Result<(), Status> {
    tokio::time::sleep(AGAIN).await;
    door.check(key).await
}

fn later(door: Arc<dyn Door>, key: String) -> BoxFuture<'static, Result<(), Status>> {
    Box::pin(check_later(door, key))
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        while let Poll::Ready(checked) = self.check.as_mut().poll(context) {
            if let Err(refusal) = checked {
                self.has_ended = true;
                let mut trailers = refusal.into_http::<Body>().into_parts().0.headers;
                trailers.remove(CONTENT_TYPE);
                return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
            }
            self.check = later(Arc::clone(&self.door), self.key.clone());
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended || self.body.is_end_stream()
    }
}
