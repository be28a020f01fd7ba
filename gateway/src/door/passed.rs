//! A service of another process behind this address: calls are passed on byte for byte, over the same connections as the
//! gateway's own, so they go to the best process of the service and are retried where that is safe.

use std::{
    convert::Infallible,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use http::{HeaderMap, HeaderValue};
use http_body_util::Full;
use tidings_runtime::{
    Wire, context,
    rights::{Repeat, Right},
};
use tonic::{Status, body::Body, server::NamedService, transport::server::TcpConnectInfo};
use tower::Service;

use super::body::{ReadBody, whole};
use crate::Gateway;

type Request = http::Request<Body>;
type Response = http::Response<Body>;

/// What is passed on of the metadata. The key is replaced by ours, and the deadline is set with the connection.
const KEPT: [&str; 11] = [
    "content-type",
    "te",
    "grpc-encoding",
    "grpc-accept-encoding",
    "traceparent",
    "tracestate",
    context::APP,
    context::USER,
    context::USERNAME,
    context::PEER,
    context::ACCOUNT,
];

/// The service that `N`, a generated server, names.
pub struct Passed<N> {
    wire: Wire,
    gateway: Gateway,
    service: PhantomData<fn() -> N>,
}

impl<N> Passed<N> {
    /// Over this wire; what is held meanwhile counts for the gateway's budget.
    pub const fn over(wire: Wire, gateway: Gateway) -> Self {
        Self { wire, gateway, service: PhantomData }
    }
}

impl<N> Clone for Passed<N> {
    fn clone(&self) -> Self {
        Self::over(self.wire.clone(), self.gateway.clone())
    }
}

impl<N> std::fmt::Debug for Passed<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passed")
    }
}

impl<N: NamedService> NamedService for Passed<N> {
    const NAME: &'static str = N::NAME;
}

impl<N> Service<Request> for Passed<N> {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A wire to another process always takes a call.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (wire, gateway) = (self.wire.clone(), self.gateway.clone());
        Box::pin(async move { Ok(pass(wire, &gateway, request).await.unwrap_or_else(Status::into_http)) })
    }
}

async fn pass(mut wire: Wire, gateway: &Gateway, request: Request) -> Result<Response, Status> {
    let right = request.extensions().get::<&'static Right>().copied();
    let peer = request.extensions().get::<TcpConnectInfo>().and_then(TcpConnectInfo::remote_addr);
    let (mut head, body) = request.into_parts();
    let body = match (right.map(|right| right.repeat), head.extensions.remove()) {
        (Some(Repeat::Stream), _) => body,
        // It may be sent again, so it is held.
        (_, Some(ReadBody(bytes))) => Body::new(Full::new(bytes)),
        (_, None) => Body::new(Full::new(whole(body, &gateway.budgets().bodies).await?)),
    };
    let mut passed = Request::new(body);
    *passed.method_mut() = head.method;
    *passed.uri_mut() = head.uri;
    *passed.headers_mut() = kept(&head.headers);
    if let Some(peer) = peer
        && !passed.headers().contains_key(context::PEER)
        && let Ok(address) = HeaderValue::try_from(peer.ip().to_string())
    {
        passed.headers_mut().insert(context::PEER, address);
    }
    wire.call(passed).await
}

fn kept(given: &HeaderMap) -> HeaderMap {
    let kept = given.iter().filter(|(name, _)| KEPT.contains(&name.as_str()));
    let mut headers = HeaderMap::new();
    for (name, value) in kept {
        headers.append(name, value.clone());
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_services_read_is_passed_on() {
        let mut given = HeaderMap::new();
        for name in KEPT.into_iter().chain(["authorization", "grpc-timeout", "user-agent", "x-other", "cookie"]) {
            given.append(name, HeaderValue::from_static("1"));
        }
        given.append(context::USER, HeaderValue::from_static("2"));
        let kept = kept(&given);
        assert_eq!(kept.keys_len(), KEPT.len());
        // What is given twice is refused by the service.
        assert_eq!(kept.get_all(context::USER).iter().count(), 2);
    }
}
