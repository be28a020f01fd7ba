//! Spares callers a peer that hangs: once a call has found that out, the others fail at once, and one at a time tries again.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::Instant;
use tonic::Status;
use tower::Service;

/// A call that fails after so long has met a peer that hangs; one that is refused at once has not.
const HUNG: Duration = Duration::from_secs(1);
/// How long all calls fail at once after that.
const REST: Duration = Duration::from_secs(1);

/// A way to a peer with its breaker.
#[derive(Debug, Clone)]
pub(crate) struct Guarded<S> {
    inner: S,
    breaker: Breaker,
}

#[derive(Debug, Clone, Default)]
struct Breaker(Arc<Mutex<State>>);

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Closed,
    /// Calls fail until then, when one may try.
    Open(Instant),
    /// One is trying.
    Trying,
}

impl<S> Guarded<S> {
    pub fn new(inner: S) -> Self {
        Self { inner, breaker: Breaker::default() }
    }
}

impl Breaker {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, now: Instant) -> Option<Attempt> {
        let mut state = self.state();
        let is_trial = match *state {
            State::Closed => false,
            State::Open(until) if now >= until => true,
            State::Open(_) | State::Trying => return None,
        };
        if is_trial {
            *state = State::Trying;
        }
        Some(Attempt { breaker: self.clone(), begun: now, is_trial })
    }
}

/// A call that was let through. One that is dropped before it ended says nothing, and lets the next one try.
struct Attempt {
    breaker: Breaker,
    begun: Instant,
    is_trial: bool,
}

impl Attempt {
    fn ended(mut self, failed: bool, now: Instant) {
        let hung = failed && now - self.begun >= HUNG;
        let mut state = self.breaker.state();
        if hung {
            *state = State::Open(now + REST);
        } else if self.is_trial {
            *state = State::Closed;
        }
        drop(state);
        self.is_trial = false;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.is_trial {
            *self.breaker.state() = State::Open(self.begun);
        }
    }
}

impl<S, R> Service<R> for Guarded<S>
where
    S: Service<R, Error = Status>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
{
    type Response = S::Response;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, Status>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let Some(attempt) = self.breaker.admit(Instant::now()) else {
            return Box::pin(async { Err(Status::unavailable("the peer did not answer a moment ago")) });
        };
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            attempt.ended(answer.is_err(), Instant::now());
            answer
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_call_that_hung_calls_fail_at_once_and_one_at_a_time_tries_again() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        let hung = start + HUNG;
        breaker.admit(start).unwrap().ended(true, hung);
        assert!(breaker.admit(hung).is_none());
        let later = hung + REST;
        let trial = breaker.admit(later).unwrap();
        assert!(breaker.admit(later).is_none(), "one tries at a time");
        drop(trial);
        let trial = breaker.admit(later).expect("one that went away lets the next try");
        trial.ended(true, later + HUNG);
        assert!(breaker.admit(later + HUNG).is_none());
        breaker.admit(later + HUNG + REST).unwrap().ended(false, later + HUNG + REST);
        assert!(breaker.admit(later + HUNG + REST).is_some() && breaker.admit(later + HUNG + REST).is_some());
    }

    #[test]
    fn a_refusal_at_once_is_no_reason_to_rest() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        breaker.admit(start).unwrap().ended(true, start);
        assert!(breaker.admit(start).is_some());
    }
}
