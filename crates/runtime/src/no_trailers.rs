//! Requests without trailers. tonic lets a request's trailers replace its metadata, after the guard has checked them.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::Frame;
use tonic::{Status, body::Body};

/// The same body, which ends where its trailers begin.
pub(crate) fn without_trailers(body: Body) -> Body {
    Body::new(NoTrailers(body))
}

struct NoTrailers(Body);

impl http_body::Body for NoTrailers {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match Pin::new(&mut self.0).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) if frame.is_trailers() => Poll::Ready(None),
            polled => polled,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.0.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http_body_util::{BodyExt as _, Full};

    use super::*;

    #[tokio::test]
    async fn what_a_request_says_after_its_body_is_dropped() {
        let mut trailers = HeaderMap::new();
        trailers.insert("tidings-app", http::HeaderValue::from_static("8"));
        let body = Full::new(Bytes::from_static(b"x")).with_trailers(async move { Some(Ok(trailers)) });
        let collected = without_trailers(Body::new(body)).collect().await.expect("a body");
        assert!(collected.trailers().is_none());
        assert_eq!(&collected.to_bytes()[..], b"x");
    }
}
