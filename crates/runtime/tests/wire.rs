//! Calls between processes over real connections: load-balanced, repeated if that is safe, bounded in time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::{BodyExt as _, Full};
use prost::Message;
use tidings_domain::{Error, Reason};
use tidings_proto::{pb, status_from_error};
use tidings_runtime::{
    Bounds, Connector, GrpcServer, Health, ServiceKeys, Shutdown, Wire, config::Addresses, deadline,
};
use tokio::{
    net::TcpListener,
    sync::mpsc,
    task::{JoinHandle, yield_now},
    time::Instant,
};
use tonic::{Code, Status, body::Body, server::NamedService};
use tower::{Service, ServiceExt as _};

const KEY: &str = "0123456789abcdef";

type Answer = Pin<Box<dyn Future<Output = http::Response<Body>> + Send>>;
type Act = Arc<dyn Fn(http::Request<Body>) -> Answer + Send + Sync>;

/// A fake message service.
#[derive(Clone)]
struct Fake {
    act: Act,
    calls: Arc<AtomicUsize>,
}

impl NamedService for Fake {
    const NAME: &'static str = "tidings.v1.MessageService";
}

impl Service<http::Request<Body>> for Fake {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let answer = (self.act)(request);
        Box::pin(async move { Ok(answer.await) })
    }
}

/// A process that serves.
struct Process {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
    health: Health,
    shutdown: Shutdown,
    serving: JoinHandle<Result<(), Error>>,
}

impl Process {
    async fn start(act: impl Fn(http::Request<Body>) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0", act).await
    }

    async fn start_at(address: &str, act: impl Fn(http::Request<Body>) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let (calls, shutdown, address) = (Arc::default(), Shutdown::default(), listener.local_addr().unwrap());
        let mut server = GrpcServer::default();
        server.add(Fake { act: Arc::new(act), calls: Arc::clone(&calls) }).await;
        let health = server.health();
        health.set(true).await;
        let bounds = Bounds { total: 100, per_address: 100 };
        let serving = tokio::spawn(server.serve(listener, ServiceKeys::new(KEY, None), bounds, shutdown.clone()));
        Self { address, calls, health, shutdown, serving }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Ends when every call was answered and every connection is closed.
    async fn stop(self) {
        self.shutdown.trigger();
        self.serving.await.unwrap().unwrap();
    }
}

fn answer(status: Status) -> Answer {
    Box::pin(async move { status.into_http() })
}

fn well(_: http::Request<Body>) -> Answer {
    answer(Status::ok(""))
}

fn unavailable(_: http::Request<Body>) -> Answer {
    answer(status_from_error(Error::new(Reason::Unavailable, "")))
}

/// Reads the message and never answers.
fn dies(request: http::Request<Body>) -> Answer {
    Box::pin(async move {
        request.into_body().collect().await.unwrap();
        panic!("a process that dies over a call")
    })
}

fn wire<'a>(processes: impl IntoIterator<Item = &'a Process>) -> Wire {
    let urls: Vec<String> = processes.into_iter().map(|process| format!("http://{}", process.address)).collect();
    Wire::remote(&Addresses::read(&urls.join(",")), KEY, &Connector::plain()).unwrap()
}

/// Makes a call; returns its status code.
async fn call(wire: &Wire, method: &str, message: &impl Message) -> Code {
    let mut bytes = vec![0];
    bytes.extend((message.encoded_len() as u32).to_be_bytes());
    message.encode(&mut bytes).unwrap();
    let request = http::Request::post(format!("/tidings.v1.MessageService/{method}"))
        .header("te", "trailers")
        .header("content-type", "application/grpc")
        .body(Body::new(Full::new(Bytes::from(bytes))))
        .unwrap();
    match wire.clone().oneshot(request).await {
        Ok(answer) => Status::from_header_map(answer.headers()).map_or(Code::Unknown, |status| status.code()),
        Err(status) => status.code(),
    }
}

async fn send(wire: &Wire) -> Code {
    call(wire, "Send", &pb::SendRequest { call: "grpc/send".into(), ..Default::default() }).await
}

async fn send_keyed(wire: &Wire) -> Code {
    call(wire, "Send", &pb::SendRequest { idempotency_key: "key".into(), ..Default::default() }).await
}

async fn read(wire: &Wire) -> Code {
    call(wire, "Page", &pb::PageRequest::default()).await
}

/// Reads until each process had a call.
async fn reach_all(wire: &Wire, processes: &[&Process]) {
    while processes.iter().any(|process| process.calls() == 0) {
        read(wire).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_share_the_calls_and_one_that_stops_or_comes_back_costs_nobody_a_call() {
    let (one, other) = (Process::start(well).await, Process::start(well).await);
    let wire = wire([&one, &other]);
    reach_all(&wire, &[&one, &other]).await;
    let before = (one.calls(), other.calls());
    for _ in 0..40 {
        assert_eq!(send(&wire).await, Code::Ok);
    }
    assert_eq!((one.calls() - before.0, other.calls() - before.1), (20, 20));

    // Sends without a key, continuously.
    let address = other.address.to_string();
    let load = async {
        for _ in 0..50 {
            let codes = join_all((0..20).map(|_| send(&wire))).await;
            assert!(codes.iter().all(|code| *code == Code::Ok), "{codes:?}");
        }
    };
    tokio::join!(load, other.stop());
    let back = Process::start_at(&address, well).await;
    while back.calls() == 0 {
        assert_eq!(send(&wire).await, Code::Ok);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_calls_to_a_peer_wait_for_it_to_be_found() {
    let process = Process::start(well).await;
    for _ in 0..500 {
        let wire = wire([&process]);
        let codes = join_all((0..4).map(|_| {
            let wire = wire.clone();
            async move { tokio::spawn(async move { read(&wire).await }).await.unwrap() }
        }));
        assert_eq!(codes.await, [Code::Ok; 4]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_waits_for_a_process_that_is_coming() {
    let (sick, other) = (Process::start(unavailable).await, Process::start(well).await);
    let wire = wire([&sick, &other]);
    reach_all(&wire, &[&sick, &other]).await;
    let (address, before) = (other.address.to_string(), sick.calls());
    other.stop().await;
    let (call, back) = tokio::join!(send_keyed(&wire), async {
        while sick.calls() == before {
            yield_now().await;
        }
        Process::start_at(&address, well).await
    });
    assert_eq!((call, back.calls()), (Code::Ok, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_says_it_does_not_serve_gets_no_calls_while_another_does() {
    let (one, other) = (Process::start(well).await, Process::start(well).await);
    let wire = wire([&one, &other]);
    reach_all(&wire, &[&one, &other]).await;
    one.health.set(false).await;
    loop {
        let before = one.calls();
        for _ in 0..10 {
            assert_eq!(send(&wire).await, Code::Ok);
        }
        if one.calls() == before {
            break;
        }
    }
    // It is the only one, so it is called all the same: it may serve reads.
    other.health.set(false).await;
    let before = one.calls();
    while one.calls() == before {
        assert_eq!(send(&wire).await, Code::Ok);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_safe_is_made_again_elsewhere_and_nothing_else_is() {
    for sick in [unavailable, dies] {
        let (sick, healthy) = (Process::start(sick).await, Process::start(well).await);
        let wire = wire([&sick, &healthy]);
        reach_all(&wire, &[&sick, &healthy]).await;
        for _ in 0..20 {
            assert_eq!((read(&wire).await, send_keyed(&wire).await), (Code::Ok, Code::Ok));
        }
        let before = (sick.calls(), healthy.calls());
        let codes: Vec<Code> = join_all((0..20).map(|_| send(&wire))).await;
        let failed = codes.iter().filter(|code| **code == Code::Unavailable).count();
        assert!(failed > 0, "{codes:?}");
        assert_eq!((sick.calls() - before.0, healthy.calls() - before.1), (failed, 20 - failed));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_all_are_sick_a_read_is_made_once_by_each_and_overload_is_an_answer() {
    let sick = join_all((0..5).map(|_| Process::start(unavailable))).await;
    let calls = |processes: &[Process]| processes.iter().map(Process::calls).sum::<usize>();
    let wire_to_sick = wire(&sick);
    reach_all(&wire_to_sick, &sick.iter().collect::<Vec<_>>()).await;
    let before = calls(&sick);
    assert_eq!(read(&wire_to_sick).await, Code::Unavailable);
    assert_eq!(calls(&sick) - before, 3);

    let overloaded = |_: http::Request<Body>| answer(status_from_error(Error::new(Reason::Overloaded, "")));
    let busy = [Process::start(overloaded).await, Process::start(overloaded).await];
    let wire_to_busy = wire(&busy);
    for made in 1..=10 {
        assert_ne!(read(&wire_to_busy).await, Code::Ok);
        assert_eq!(calls(&busy), made);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_waits_for_the_only_process_to_come_back_and_fails_when_it_does_not() {
    let process = Process::start(well).await;
    let (wire, address) = (wire([&process]), process.address.to_string());
    assert_eq!(send(&wire).await, Code::Ok);
    process.stop().await;
    let waiting = tokio::spawn({
        let wire = wire.clone();
        async move { join_all((0..20).map(|_| send(&wire))).await }
    });
    let back = Process::start_at(&address, well).await;
    assert_eq!(waiting.await.unwrap(), [Code::Ok; 20]);
    back.stop().await;
    assert_eq!(send(&wire).await, Code::Unavailable);
}

/// Signals when it is dropped.
struct Tell(mpsc::UnboundedSender<u64>);

impl Drop for Tell {
    fn drop(&mut self) {
        self.0.send(0).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_of_the_callers_time_travels_and_ends_the_work() {
    let (told, mut seen) = mpsc::unbounded_channel();
    let record = told.clone();
    let last = Process::start(move |request| {
        let timeout = request.headers()["grpc-timeout"].to_str().unwrap().trim_end_matches('m').parse::<u64>();
        record.send(timeout.unwrap()).unwrap();
        answer(Status::ok(""))
    })
    .await;
    let onward = wire([&last]);
    let middle = Process::start(move |_| {
        let onward = onward.clone();
        Box::pin(async move {
            assert_eq!(read(&onward).await, Code::Ok);
            Status::ok("").into_http()
        })
    })
    .await;
    let first = wire([&middle]);
    assert_eq!(read(&first).await, Code::Ok);
    let unbounded = seen.recv().await.unwrap();
    assert!((25_000..=30_000).contains(&unbounded), "{unbounded}");
    let in_time = deadline::within(Instant::now() + Duration::from_secs(9), read(&first));
    assert_eq!(in_time.await, Code::Ok);
    let bounded = seen.recv().await.unwrap();
    assert!((5_000..9_000).contains(&bounded), "{bounded}");

    // Work that takes longer times out on both sides.
    let endless = Process::start(move |_| {
        let tell = Tell(told.clone());
        Box::pin(async move {
            let _tell = tell;
            std::future::pending().await
        })
    })
    .await;
    let late = deadline::within(Instant::now() + Duration::from_millis(300), read(&wire([&endless]))).await;
    assert!(matches!(late, Code::DeadlineExceeded | Code::Cancelled), "{late:?}");
    assert_eq!(seen.recv().await, Some(0));
}
