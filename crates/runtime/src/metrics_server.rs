//! `GET /metrics` for operators. It has a listener of its own, so that clients never reach it.

use std::{convert::Infallible, pin::pin, time::Duration};

use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE},
};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, task::spawn_blocking, time::timeout};

use crate::{
    Shutdown,
    connections::{Bounds, Connections},
    serve::accept,
};

/// Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How long a connection may take in all: it serves one request.
const LONGEST: Duration = Duration::from_secs(10);
/// Connections at once.
const BOUNDS: Bounds = Bounds { total: 32, per_address: 32 };

/// Serves what `numbers` writes until `stop` is triggered.
pub async fn serve_metrics(
    listener: TcpListener,
    numbers: impl Fn() -> String + Clone + Send + 'static,
    stop: Shutdown,
) {
    let connections = Connections::new(BOUNDS);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(LONGEST).keep_alive(false);
    let mut stopped = pin!(stop.triggered());
    loop {
        let stream = tokio::select! {
            () = &mut stopped => return,
            stream = accept(&listener, &connections, |_| false) => stream,
        };
        let numbers = numbers.clone();
        let service = service_fn(move |request| {
            let numbers = numbers.clone();
            async move { Ok::<_, Infallible>(answer(&request, numbers).await) }
        });
        let connection = http.serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            match timeout(LONGEST, connection).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "a connection for metrics ended early"),
                Err(_) => tracing::debug!("a connection for metrics took too long"),
            }
        });
    }
}

async fn answer<B>(request: &Request<B>, numbers: impl FnOnce() -> String + Send + 'static) -> Response<String> {
    if request.uri().path() != "/metrics" {
        return text(StatusCode::NOT_FOUND, "only /metrics is here\n".to_owned());
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n".to_owned());
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    // They read files and count open ones, of which there may be many.
    match spawn_blocking(numbers).await {
        Ok(numbers) => text(StatusCode::OK, numbers),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be written\n".to_owned())
        }
    }
}

fn text(status: StatusCode, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answered(method: Method, path: &str) -> Response<String> {
        let request = Request::builder().method(method).uri(path).body(()).unwrap();
        answer(&request, || "tidings_ready 1\n".to_owned()).await
    }

    #[tokio::test]
    async fn only_metrics_is_served_and_only_to_be_read() {
        let numbers = answered(Method::GET, "/metrics").await;
        assert_eq!((numbers.status(), numbers.body().as_str()), (StatusCode::OK, "tidings_ready 1\n"));
        assert_eq!(numbers.headers()[CONTENT_TYPE], TEXT);
        assert_eq!(answered(Method::GET, "/").await.status(), StatusCode::NOT_FOUND);
        let refused = answered(Method::POST, "/metrics").await;
        assert_eq!(
            (refused.status(), &refused.headers()[ALLOW]),
            (StatusCode::METHOD_NOT_ALLOWED, &"GET, HEAD".parse().unwrap())
        );
    }

    #[tokio::test]
    async fn numbers_that_panic_are_an_error() {
        let request = Request::builder().uri("/metrics").body(()).unwrap();
        assert_eq!(answer(&request, || panic!("no numbers")).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
