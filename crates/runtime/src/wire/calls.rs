//! Makes calls to a peer, each over the best of its processes, and repeats them if that is safe.
//!
//! A call of which nothing was sent, or which the process says it did not begin, is always repeated. One that was sent and had no answer, or was answered with
//! `UNAVAILABLE`, is repeated at most twice, over another connection, if the table of rights allows it.

use std::{
    error::Error as _,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tidings_domain::{Error, Reason};
use tidings_proto::{ServiceKeyRefused, error_from_status};
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Status, body::Body};
use tower::Service;

use super::{
    lent::{Lent, Message},
    replica::InFlight,
    replicas::{Id, Picked, Replicas},
};
use crate::{
    Connector,
    config::Addresses,
    deadline, request_id,
    rights::{self, Repeat},
    telemetry,
};

type Request = http::Request<Body>;
type Response = http::Response<Body>;

/// Further attempts at a call that may have been executed.
const REPEATS: usize = 2;
/// Connections that are tried for a call of which nothing was sent.
const CONNECTIONS: usize = 8;
/// The interval between log lines on a peer that refuses the service key.
const COMPLAINTS: Duration = Duration::from_secs(10);

/// See the module. Cheap to clone.
#[derive(Clone)]
pub(super) struct Calls(Arc<Inner>);

struct Inner {
    replicas: Arc<Replicas>,
    /// The timeout of a call whose caller sets no earlier deadline.
    longest: Duration,
    budget: Budget,
    addresses: String,
    /// When a refused service key was last logged.
    complained: Mutex<Option<Instant>>,
}

impl Calls {
    pub fn new(
        addresses: &Addresses,
        service_key: &str,
        connector: &Connector,
        longest: Duration,
    ) -> Result<Self, Error> {
        let authorization = http::HeaderValue::try_from(format!("Bearer {service_key}"))
            .map_err(|error| Error::invalid("service_key", "must be visible ASCII").because(error))?;
        let replicas = Arc::new(Replicas::new(addresses, authorization, connector.clone())?);
        let (addresses, complained) = (addresses.to_string(), Mutex::default());
        Ok(Self(Arc::new(Inner { replicas, longest, budget: Budget::default(), addresses, complained })))
    }
}

impl Service<Request> for Calls {
    type Response = Response;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        telemetry::inject(request.headers_mut());
        request_id::write(request.headers_mut());
        let inner = Arc::clone(&self.0);
        Box::pin(async move { inner.make(request).await })
    }
}

impl Inner {
    async fn make(&self, request: Request) -> Result<Response, Status> {
        let until = Instant::now() + self.longest;
        let until = deadline::current().map_or(until, |caller| caller.min(until));
        let (head, body) = request.into_parts();
        let (repeat, is_streamed) = rights::calling(head.uri.path());
        let mut message =
            if repeat == Repeat::Stream { Message::Stream(Some(body)) } else { Message::whole(body).await? };
        let mut tried: Vec<Id> = Vec::new();
        let mut repeats = 0;
        let mut answered: Option<Result<Response, Status>> = None;
        loop {
            let picked = self.replicas.pick(&tried, until).await;
            let (Some(picked), Some((lent, loan))) = (picked, message.lend()) else {
                let late = || Status::deadline_exceeded("the caller's deadline has passed");
                let away = || Status::unavailable("no process of the peer responds");
                return answered.unwrap_or_else(|| Err(if Instant::now() < until { away() } else { late() }));
            };
            let mut attempt = http::Request::from_parts(head.clone(), lent);
            deadline::write(attempt.headers_mut(), until.saturating_duration_since(Instant::now()));
            let id = picked.id;
            let Ok(answer) = timeout_at(until, attempt_over(picked, attempt, is_streamed)).await else {
                return Err(Status::deadline_exceeded("the peer did not answer in time"));
            };
            let may_repeat = |repeats: usize| {
                let is_safe = match repeat {
                    Repeat::Safe => true,
                    Repeat::Keyed(fields) => message.has(fields),
                    Repeat::Never | Repeat::Stream => false,
                };
                is_safe && repeats < REPEATS && self.budget.take()
            };
            match answer {
                Ok(answer) => {
                    let again = match verdict(answer.headers()) {
                        Verdict::Answer => false,
                        Verdict::Unavailable => may_repeat(repeats),
                        // It was not executed.
                        Verdict::RefusesKey => repeats < REPEATS,
                    };
                    let answer = self.took_our_key(answer);
                    if !again {
                        self.budget.earn();
                        return answer;
                    }
                    repeats += 1;
                    answered = Some(answer);
                }
                Err(_) if !loan.was_read() && tried.len() < CONNECTIONS => message.take_back(&loan),
                Err(error)
                    if was_not_begun(&error) && matches!(message, Message::Whole(_)) && tried.len() < CONNECTIONS => {}
                Err(_) if may_repeat(repeats) => repeats += 1,
                Err(error) => return Err(Status::unavailable(error.to_string())),
            }
            tried.push(id);
        }
    }

    /// A peer that refuses the service key is a fault of this installation and not of the call: for the caller the peer
    /// is unavailable, and the log says why.
    fn took_our_key(&self, answer: Response) -> Result<Response, Status> {
        if verdict(answer.headers()) != Verdict::RefusesKey {
            return Ok(answer);
        }
        let refused = ServiceKeyRefused { url: self.addresses.clone() };
        if self.may_complain() {
            tracing::error!("{refused}");
        }
        Err(refused.into())
    }

    /// Now and once per [`COMPLAINTS`], however many calls fail.
    fn may_complain(&self) -> bool {
        let mut last = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        let may = last.is_none_or(|last| last.elapsed() >= COMPLAINTS);
        if may {
            *last = Some(Instant::now());
        }
        may
    }
}

/// Whether the process says that it did not begin the call: it is stopping, and names the last one that it answers, or it
/// refuses the stream (RFC 9113, 6.8 and 8.7).
fn was_not_begun(error: &hyper::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            let is_stopping = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
            let is_refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
            return error.is_remote() && (is_stopping || is_refused);
        }
        cause = error.source();
    }
    false
}

/// Makes a call once. An answer that is not a stream is received completely: a process may die before its last byte.
async fn attempt_over(mut picked: Picked, request: http::Request<Lent>, is_streamed: bool) -> hyper::Result<Response> {
    let (head, body) = picked.link.send(request).await?.into_parts();
    let body =
        if is_streamed { Body::new(Answer { body, _call: picked.call }) } else { Body::new(body.collect().await?) };
    Ok(Response::from_parts(head, body))
}

/// What an answer means for further attempts.
#[derive(PartialEq, Eq)]
enum Verdict {
    Answer,
    /// This process cannot; overload is excluded, since another attempt would add to it.
    Unavailable,
    RefusesKey,
}

fn verdict(head: &HeaderMap) -> Verdict {
    // An answer with only a status has it in its head.
    let Some(status) = head.get(Status::GRPC_STATUS).and_then(|_| Status::from_header_map(head)) else {
        return Verdict::Answer;
    };
    match status.code() {
        Code::Unavailable if error_from_status(status.clone()).reason() == Reason::Unavailable => Verdict::Unavailable,
        Code::Unauthenticated if tidings_proto::is_refused_service_key(&status) => Verdict::RefusesKey,
        _ => Verdict::Answer,
    }
}

/// The body of a streamed answer: its call is in flight until it was read or dropped.
struct Answer {
    body: Incoming,
    _call: InFlight,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The budget of repeated attempts: a tenth of the calls, and a thousand at once. So a peer in trouble gets hardly more
/// calls than a healthy one.
struct Budget(AtomicUsize);

impl Budget {
    const PER_REPEAT: usize = 10;
    const MOST: usize = 1000 * Self::PER_REPEAT;

    fn take(&self) -> bool {
        let take = |left: usize| left.checked_sub(Self::PER_REPEAT);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    fn earn(&self) {
        // When the budget is full, as it nearly always is, no shared memory is written.
        if self.0.load(Ordering::Relaxed) < Self::MOST {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicUsize::new(Self::MOST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_a_tenth_of_the_calls_beyond_a_thousand() {
        let budget = Budget::default();
        assert_eq!((0..2000).filter(|_| budget.take()).count(), 1000);
        (0..100).for_each(|_| budget.earn());
        assert_eq!((0..100).filter(|_| budget.take()).count(), 10);
    }

    #[test]
    fn overload_is_an_answer_and_unavailability_is_not() {
        let verdict_of = |reason| {
            let status = tidings_proto::status_from_error(Error::new(reason, ""));
            verdict(status.into_http::<Body>().headers())
        };
        assert!(verdict_of(Reason::Unavailable) == Verdict::Unavailable);
        assert!(verdict_of(Reason::ServiceKeyWrong) == Verdict::RefusesKey);
        for reason in [Reason::Overloaded, Reason::StorageFull, Reason::Internal, Reason::TokenExpired] {
            assert!(verdict_of(reason) == Verdict::Answer, "{reason:?}");
        }
        assert!(verdict(&HeaderMap::new()) == Verdict::Answer);
    }
}
