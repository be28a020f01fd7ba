//! A service of this process and its internal counterpart, behind one wire.

use std::{
    convert::Infallible,
    task::{Context, Poll, ready},
};

use futures_util::future::Either;
use tower::Service;

use super::{Request, Response, Wire};
use crate::rights::INTERNAL_PACKAGE;

/// A service and its internal counterpart, which serves our other services. Over the network they are two services; in
/// one process each call goes to the one that its package names.
#[derive(Debug, Clone)]
pub struct Pair<P, I> {
    /// In the public package.
    pub public: P,
    /// In the internal package.
    pub internal: I,
}

impl<P, I> Pair<P, I>
where
    Self: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    <Self as Service<Request>>::Future: Send,
{
    /// A wire to both in this process.
    pub fn wire(&self) -> Wire {
        Wire::local(self.clone())
    }
}

impl<P, I> Service<Request> for Pair<P, I>
where
    P: Service<Request, Response = Response, Error = Infallible>,
    I: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<P::Future, I::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        let Ok(()) = ready!(self.public.poll_ready(cx));
        self.internal.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let path = request.uri().path();
        let is_internal = path.strip_prefix('/').is_some_and(|path| path.starts_with(INTERNAL_PACKAGE));
        if is_internal { Either::Right(self.internal.call(request)) } else { Either::Left(self.public.call(request)) }
    }
}
