//! The whole body of a call, which is read or may be sent again. It holds its part of the budget for bodies
//! until its last clone is dropped; one that is too large is refused before it has arrived.

use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use tidings_domain::Error;
use tidings_proto::status_from_error;
use tokio::time::{Duration, timeout};
use tonic::{Status, body::Body};

use crate::budget::{Budget, Share};

/// The size of a message: as much as our services take.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;
/// How long a whole body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(30);
/// The prefix of a message: whether it is compressed, and its length.
pub(super) const FRAME_HEAD: usize = 5;

/// The body of a request that was read: it is not read, and not counted, again.
#[derive(Clone)]
pub(super) struct ReadBody(pub Bytes);

/// The whole body.
pub(super) async fn whole(body: Body, budget: &Budget) -> Result<Bytes, Status> {
    let read = timeout(ARRIVAL, read(body, budget)).await;
    read.unwrap_or_else(|_| Err(Status::deadline_exceeded("the request did not arrive in time")))
}

async fn read(mut body: Body, budget: &Budget) -> Result<Bytes, Status> {
    // Content-Length, where the client sends it.
    check_size(body.size_hint().lower())?;
    let (share, mut bytes, mut is_checked) = (budget.share(), BytesMut::new(), false);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Status::cancelled("the request broke off"))?;
        let Ok(part) = frame.into_data() else { continue };
        check_size((bytes.len() + part.len()) as u64)?;
        share.grow_to(bytes.len() + part.len()).map_err(status_from_error)?;
        bytes.extend_from_slice(&part);
        if let Some(length) = length(&bytes).filter(|_| !is_checked) {
            check_size(length as u64 + FRAME_HEAD as u64)?;
            is_checked = true;
        }
    }
    Ok(Bytes::from_owner(Held { bytes: bytes.freeze(), _share: share }))
}

fn check_size(bytes: u64) -> Result<(), Status> {
    if bytes <= (MAX_MESSAGE + FRAME_HEAD) as u64 {
        return Ok(());
    }
    Err(status_from_error(Error::invalid("request", format!("must be at most {MAX_MESSAGE} bytes"))))
}

/// The length of the first message, once its head has arrived.
fn length(bytes: &[u8]) -> Option<usize> {
    let length = bytes.get(1..FRAME_HEAD)?;
    Some(u32::from_be_bytes(length.try_into().ok()?) as usize)
}

/// The first message, if it is not compressed; anything after it is ignored.
pub(super) fn message(mut framed: Bytes) -> Option<Bytes> {
    let length = length(&framed).filter(|_| framed.first() == Some(&0))?;
    let mut message = framed.split_off(FRAME_HEAD);
    (length <= message.len()).then(|| message.split_to(length))
}

struct Held {
    bytes: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};
    use tonic::Code;

    use super::*;

    const KIB: usize = 1024;

    fn framed(length: usize, sent: usize) -> Vec<u8> {
        let head = [&[0][..], &u32::try_from(length).expect("a length").to_be_bytes()].concat();
        [head, vec![0; sent]].concat()
    }

    /// Its parts, after which it stays open forever.
    fn endless(parts: Vec<Vec<u8>>) -> Body {
        let parts = parts.into_iter().map(|part| Ok::<_, Status>(Frame::data(Bytes::from(part))));
        Body::new(StreamBody::new(futures_util::StreamExt::chain(stream::iter(parts), stream::pending())))
    }

    async fn refused(body: Body, budget: &Budget) -> Code {
        whole(body, budget).await.expect_err("a refusal").code()
    }

    #[tokio::test]
    async fn what_is_too_large_is_refused_before_it_has_arrived() {
        let budget = Budget::new(64 * 1024 * KIB, 16 * KIB);
        let largest = framed(MAX_MESSAGE, MAX_MESSAGE);
        assert_eq!(whole(Body::new(Full::from(largest)), &budget).await.expect("it is taken").len(), MAX_MESSAGE + 5);
        // By its Content-Length, by the length that its frame names, whatever its parts are, and by what came.
        assert_eq!(refused(Body::new(Full::from(vec![0; MAX_MESSAGE + 6])), &budget).await, Code::InvalidArgument);
        let announced = framed(MAX_MESSAGE + 1, 0);
        assert_eq!(refused(endless(vec![announced.clone()]), &budget).await, Code::InvalidArgument);
        let in_parts = announced.chunks(2).map(<[u8]>::to_vec).collect();
        assert_eq!(refused(endless(in_parts), &budget).await, Code::InvalidArgument);
        let beyond = vec![framed(1, 1), vec![0; MAX_MESSAGE], vec![0; 16]];
        assert_eq!(refused(endless(beyond), &budget).await, Code::InvalidArgument);
    }

    #[tokio::test]
    async fn what_is_held_counts_until_it_is_dropped_and_small_calls_are_free() {
        let budget = Budget::new(64 * KIB, 16 * KIB);
        let body = |size: usize| Body::new(Full::from(framed(size, size)));
        let held = whole(body(70 * KIB), &budget).await.expect("there is room");
        assert_eq!(refused(body(40 * KIB), &budget).await, Code::Unavailable);
        whole(body(8 * KIB), &budget).await.expect("small ones are free");
        let message = message(held.clone()).expect("a message");
        drop(held);
        assert_eq!(refused(body(40 * KIB), &budget).await, Code::Unavailable, "its message holds it");
        drop(message);
        whole(body(40 * KIB), &budget).await.expect("there is room again");
    }

    #[test]
    fn a_message_is_the_first_of_its_body() {
        let of = |bytes: Vec<u8>| message(Bytes::from(bytes));
        assert_eq!(of(framed(3, 3)).as_deref(), Some(&[0; 3][..]));
        assert_eq!(of(framed(3, 9)).as_deref(), Some(&[0; 3][..]), "whatever follows");
        assert_eq!(of(framed(0, 0)).as_deref(), Some(&[][..]));
        for broken in [vec![], vec![0, 0], framed(3, 2), vec![1, 0, 0, 0, 1, 9]] {
            assert_eq!(of(broken), None);
        }
    }
}
