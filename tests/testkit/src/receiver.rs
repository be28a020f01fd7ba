//! An app's server for callbacks: records requests and answers as configured by the test.
//!
//! It runs in a separate thread, so that it outlives the runtime of the test that started it; when it is dropped, its
//! port and every connection are closed.

use std::{
    fmt,
    net::TcpListener,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Method, Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::sync::{Notify, oneshot};

/// How long a test waits for requests before it fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// A request as received.
#[derive(Debug, Clone)]
pub struct Received {
    /// HTTP method.
    pub method: Method,
    /// The path of the URL, still encoded.
    pub path: String,
    /// What follows the `?`, still encoded; may be empty.
    pub query: String,
    /// HTTP headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// When its last byte was received.
    pub at: Instant,
}

impl Received {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// The answer to a request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// HTTP headers besides Content-Length and Date.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Bytes,
    /// The delay before the answer.
    pub delay: Duration,
}

impl Answer {
    /// 200 and the body of Tencent's documentation; without a Content-Type, as simple receivers do (tencent.md 1).
    pub fn ok() -> Self {
        Self { body: r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#.into(), ..Self::status(200) }
    }

    /// A status with an empty body.
    pub const fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), delay: Duration::ZERO }
    }

    /// The same with another body.
    #[must_use]
    pub fn with_body(self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// The same with an additional header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same, later.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }
}

type AnswerTo = dyn Fn(&Received) -> Answer + Send + Sync;

struct Shared {
    received: Mutex<Vec<Received>>,
    arrived: Notify,
    answer: Box<AnswerTo>,
}

/// A server on loopback, until it is dropped.
pub struct Receiver {
    address: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Receiver {
    /// Listens on a free port and answers every request with the result of `answer`.
    ///
    /// # Panics
    /// When the machine has no free port.
    pub fn start(answer: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0", answer)
    }

    /// The same at a given address: a server that restarts, or starts late.
    ///
    /// # Panics
    /// When the address is taken.
    pub fn start_at(address: &str, answer: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).expect("the address is free");
        listener.set_nonblocking(true).expect("a listener can be made not to block");
        let address = listener.local_addr().expect("it is bound").to_string();
        let shared = Shared { received: Mutex::default(), arrived: Notify::new(), answer: Box::new(answer) };
        let shared = Arc::new(shared);
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                tokio::select! {
                    () = accept(listener, &serving) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Its address, as `http://host:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The same as `host:port`, for [`Self::start_at`].
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The requests so far, in order of arrival.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received().clone()
    }

    /// The number of requests so far.
    pub fn count(&self) -> usize {
        self.shared.received().len()
    }

    /// Waits until `n` requests have arrived, for at most a minute, and returns all requests.
    ///
    /// # Panics
    /// If they do not arrive.
    pub async fn wait_for(&self, n: usize) -> Vec<Received> {
        let enough = async {
            loop {
                // Before the count, so that a request between the two is not missed.
                let arrived = self.shared.arrived.notified();
                if self.count() >= n {
                    return;
                }
                arrived.await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, enough).await;
        assert!(waited.is_ok(), "waited in vain for {n} requests at {}: {} came", self.address, self.count());
        self.received()
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("address", &self.address).field("count", &self.count()).finish_non_exhaustive()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn received(&self) -> MutexGuard<'_, Vec<Received>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn respond(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let (head, body) = request.into_parts();
        let received = Received {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers,
            body: body.collect().await?.to_bytes(),
            at: Instant::now(),
        };
        self.received().push(received.clone());
        self.arrived.notify_waiters();
        let answer = (self.answer)(&received);
        if !answer.delay.is_zero() {
            tokio::time::sleep(answer.delay).await;
        }
        let mut response = Response::builder().status(answer.status);
        for (name, value) in answer.headers {
            response = response.header(name, value);
        }
        Ok(response.body(Full::new(answer.body)).expect("the test's answer is valid HTTP"))
    }
}

async fn accept(listener: TcpListener, shared: &Arc<Shared>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime takes a listener");
    loop {
        let (stream, _) = listener.accept().await.expect("connections can be accepted");
        stream.set_nodelay(true).expect("a connection can be told");
        let shared = Arc::clone(shared);
        let service = service_fn(move |request| {
            let shared = Arc::clone(&shared);
            async move { shared.respond(request).await }
        });
        tokio::spawn(async move { http1::Builder::new().serve_connection(TokioIo::new(stream), service).await });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> reqwest::Client {
        crate::process::name_tls_backend();
        reqwest::Client::new()
    }

    #[tokio::test]
    async fn what_comes_is_recorded_and_answered() {
        let receiver = Receiver::start(|_| Answer::ok());
        let request = client().post(format!("{}/a%20b?s=%31", receiver.url())).header("X-Test", "7").body("text");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.text().await.unwrap(), r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#);
        let came = receiver.wait_for(1).await.remove(0);
        assert_eq!((came.method.as_str(), came.path.as_str(), came.query.as_str()), ("POST", "/a%20b", "s=%31"));
        assert_eq!((&came.headers["x-test"], &came.body[..]), (&"7".parse().unwrap(), &b"text"[..]));
    }

    #[tokio::test]
    async fn the_test_decides_by_what_came_and_how_late() {
        let receiver = Receiver::start(|received| {
            let answer = Answer::status(503).with_body("later").with_header("Retry-After", "9");
            if received.path == "/slow" { answer.after(Duration::from_millis(300)) } else { answer }
        });
        let began = Instant::now();
        let answer = client().get(format!("{}/slow", receiver.url())).send().await.unwrap();
        assert!(began.elapsed() >= Duration::from_millis(300));
        assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"9".parse().unwrap()));
        assert_eq!(answer.text().await.unwrap(), "later");
    }

    #[tokio::test]
    async fn waiting_ends_when_the_last_of_them_came() {
        let receiver = Receiver::start(|_| Answer::ok());
        let (client, url) = (client(), receiver.url());
        let calls = async {
            for _ in 0..200 {
                client.post(&url).send().await.unwrap();
            }
        };
        let (waited, ()) = tokio::join!(receiver.wait_for(200), calls);
        assert_eq!((waited.len(), receiver.count()), (200, 200));
    }

    #[tokio::test]
    async fn a_dropped_server_refuses_connections_and_can_come_back_at_its_address() {
        let first = Receiver::start(|_| Answer::ok());
        let (address, url, kept_alive) = (first.address().to_owned(), first.url(), client());
        kept_alive.get(&url).send().await.unwrap();
        drop(first);
        assert!(kept_alive.get(&url).send().await.is_err());
        assert!(client().get(&url).send().await.unwrap_err().is_connect());
        let second = Receiver::start_at(&address, |_| Answer::status(204));
        assert_eq!(client().get(&url).send().await.unwrap().status(), 204);
        assert_eq!(second.count(), 1);
    }
}
