//! The message of a call, kept for as many attempts as necessary, and whether anything of it left this process.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::{Buf as _, Bytes};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use tonic::{Status, body::Body};

/// What is sent at each attempt.
pub(super) enum Message {
    /// A whole message, which is kept for the next attempt.
    Whole(Bytes),
    /// A stream, which is returned as long as nothing was taken from it.
    Stream(Option<Body>),
}

impl Message {
    /// Reads the one message of a call.
    pub async fn whole(body: Body) -> Result<Self, Status> {
        Ok(Self::Whole(body.collect().await?.to_bytes()))
    }

    /// For one attempt. `None`: the stream was not returned.
    pub fn lend(&mut self) -> Option<(Lent, Loan)> {
        let source = match self {
            Self::Whole(bytes) => Source::Whole(Some(bytes.clone())),
            Self::Stream(body) => Source::Stream(body.take()?),
        };
        let loan = Loan(Arc::default());
        Some((Lent { source: Some(source), ledger: Arc::clone(&loan.0) }, loan))
    }

    /// After an attempt of which nothing was sent.
    pub fn take_back(&mut self, loan: &Loan) {
        if let Self::Stream(body) = self {
            *body = loan.0.back.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }

    /// Whether one of these fields is set at the top level of a whole message: not empty, and not 0.
    pub fn has(&self, fields: &[u32]) -> bool {
        matches!(self, Self::Whole(bytes) if find(bytes.clone(), fields).unwrap_or(false))
    }
}

/// `None`: not a protobuf message in one uncompressed gRPC frame.
fn find(mut bytes: Bytes, fields: &[u32]) -> Option<bool> {
    const FRAME_HEAD: usize = 5;
    if bytes.len() < FRAME_HEAD || bytes[0] != 0 {
        return None;
    }
    bytes.advance(FRAME_HEAD);
    while bytes.has_remaining() {
        let (field, kind) = prost::encoding::decode_key(&mut bytes).ok()?;
        if !fields.contains(&field) {
            prost::encoding::skip_field(kind, field, &mut bytes, prost::encoding::DecodeContext::default()).ok()?;
            continue;
        }
        // For both, text and number, the first value is the length or the number itself.
        if prost::encoding::decode_varint(&mut bytes).ok()? != 0 {
            return Some(true);
        }
    }
    Some(false)
}

/// What happened to a message that was lent.
pub(super) struct Loan(Arc<Ledger>);

#[derive(Default)]
struct Ledger {
    was_read: AtomicBool,
    back: Mutex<Option<Body>>,
}

impl Loan {
    /// Whether anything of the message may have been sent. No service does anything before it has the message.
    pub fn was_read(&self) -> bool {
        self.0.was_read.load(Ordering::Acquire)
    }
}

/// The message while it is being sent.
pub(super) struct Lent {
    source: Option<Source>,
    ledger: Arc<Ledger>,
}

enum Source {
    Whole(Option<Bytes>),
    Stream(Body),
}

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.ledger.was_read.store(true, Ordering::Release);
        match &mut self.source {
            Some(Source::Whole(bytes)) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Some(Source::Stream(body)) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Some(Source::Whole(bytes)) => bytes.is_none(),
            Some(Source::Stream(body)) => body.is_end_stream(),
            None => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Some(Source::Whole(Some(bytes))) => SizeHint::with_exact(bytes.len() as u64),
            Some(Source::Stream(body)) => body.size_hint(),
            _ => SizeHint::with_exact(0),
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(Source::Stream(body)) = self.source.take()
            && !self.ledger.was_read.load(Ordering::Acquire)
        {
            *self.ledger.back.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;
    use prost::Message as _;
    use tidings_proto::pb::{SendRequest, Target};

    use super::*;

    fn framed(request: &SendRequest) -> Message {
        let mut bytes = vec![0; 5];
        request.encode(&mut bytes).unwrap();
        Message::Whole(bytes.into())
    }

    #[test]
    fn a_key_is_found_whatever_stands_around_it() {
        let request = SendRequest { call: "x".into(), targets: vec![Target::default(); 3], ..Default::default() };
        let fields = &[4, 5];
        assert!(!framed(&request).has(fields));
        assert!(framed(&SendRequest { idempotency_key: "k".into(), ..request.clone() }).has(fields));
        assert!(framed(&SendRequest { transaction_id: -1, ..request }).has(fields));
        for broken in [&b""[..], b"\0\0\0\0", b"\x01\0\0\0\x02\x22\x01", b"\0\0\0\0\x01\xff"] {
            assert!(!Message::Whole(Bytes::from_static(broken)).has(fields), "{broken:?}");
        }
    }

    #[tokio::test]
    async fn a_stream_comes_back_until_something_was_taken_from_it() {
        let mut message = Message::Stream(Some(Body::new(Full::from("bytes"))));
        let (lent, loan) = message.lend().unwrap();
        assert!(message.lend().is_none());
        drop(lent);
        assert!(!loan.was_read());
        message.take_back(&loan);
        let (mut lent, loan) = message.lend().expect("it came back");
        lent.frame().await.unwrap().unwrap();
        drop(lent);
        assert!(loan.was_read());
        message.take_back(&loan);
        assert!(message.lend().is_none());
    }
}
