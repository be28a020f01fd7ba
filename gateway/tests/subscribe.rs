//! `RealtimeService.Subscribe` in front of fake services.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;
use http_body_util::StreamBody;
use tidings_directory_client::DirectoryCache;
use tidings_domain::{
    Actor, App, AppId, Caller, Clock, ConversationId, Entropy, Error, ManualClock, OsEntropy, Reason, UnixMillis,
    UserId,
};
use tidings_gateway::{Gateway, GatewayConfig, Realtime};
use tidings_proto::{
    error_from_status, internal,
    pb::{self, realtime_service_client::RealtimeServiceClient, realtime_service_server::RealtimeServiceServer},
    status_from_error,
};
use tidings_runtime::{Clients, Wire, context};
use tokio::{sync::Notify, time::timeout};
use tower::service_fn;

/// The services behind the gateway.
#[derive(Default)]
struct Fake {
    is_disabled: AtomicBool,
    /// The past is asked for, and does not come.
    past_is_asked: Notify,
    /// How often the feed was opened.
    feeds: AtomicUsize,
}

type Frames = stream::BoxStream<'static, Result<Frame<Bytes>, Infallible>>;

fn response(frames: Frames) -> http::Response<tonic::body::Body> {
    let mut response = http::Response::new(tonic::body::Body::new(StreamBody::new(frames)));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

fn frame(message: &impl prost::Message) -> Frame<Bytes> {
    let encoded = message.encode_to_vec();
    let mut bytes = vec![0];
    bytes.extend(u32::try_from(encoded.len()).expect("answers are short").to_be_bytes());
    bytes.extend(encoded);
    Frame::data(bytes.into())
}

fn whole(message: &impl prost::Message) -> http::Response<tonic::body::Body> {
    let ok = (HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"));
    let trailers = Frame::trailers(HeaderMap::from_iter([ok]));
    response(stream::iter([frame(message), trailers].map(Ok)).boxed())
}

/// The beginning of a stream that goes on.
fn begun(message: Option<Frame<Bytes>>) -> http::Response<tonic::body::Body> {
    response(stream::iter(message.map(Ok)).chain(stream::pending()).boxed())
}

fn answer(fake: &Fake, path: &str) -> http::Response<tonic::body::Body> {
    match path.rsplit('/').next() {
        Some("GetApp") => whole(&pb::App::from(App::example())),
        Some("GetUser") => {
            let enabled = !fake.is_disabled.load(Ordering::Relaxed);
            whole(&pb::User { id: 32, registered: true, enabled, ..Default::default() })
        }
        Some("UserPlaces") => whole(&internal::UserPlacesResponse::default()),
        Some("Events") => begun(Some(frame(&pb::EventsResponse { events: Vec::new(), cursor: "0:9".into() }))),
        Some("UserEvents") => {
            fake.past_is_asked.notify_one();
            begun(None)
        }
        _ => status_from_error(Error::new(Reason::Unavailable, path)).into_http(),
    }
}

/// The beginning of a stream that fails.
fn failed(message: Frame<Bytes>, why: Reason) -> http::Response<tonic::body::Body> {
    let mut trailers = HeaderMap::new();
    status_from_error(Error::new(why, "")).add_header(&mut trailers).expect("a status is trailers");
    response(stream::iter([message, Frame::trailers(trailers)].map(Ok)).boxed())
}

/// A reaction to a message between the users 16 and 32.
fn reacted() -> pb::Event {
    pb::Event {
        id: "m0-1".into(),
        kind: "message.reacted".into(),
        conversation: Some(ConversationId::direct(UserId(16), UserId(32)).into()),
        msg_id: 5,
        actor_id: 16,
        ..Default::default()
    }
}

/// The feed breaks off with an error of every call, and what is read beside an event fails.
fn faulty(fake: &Fake, path: &str) -> http::Response<tonic::body::Body> {
    let page = |events| frame(&pb::EventsResponse { events, cursor: "0:9".into() });
    match path.rsplit('/').next() {
        Some("Events") => match fake.feeds.fetch_add(1, Ordering::Relaxed) {
            0 => failed(page(Vec::new()), Reason::Internal),
            1 => failed(page(Vec::new()), Reason::DataDamaged),
            _ => begun(Some(page(vec![reacted()]))),
        },
        Some("UserNames") => whole(&internal::UserNamesResponse { usernames: vec!["ann".into(), "bob".into()] }),
        Some("ListReactions" | "GetGroups") => status_from_error(Error::new(Reason::Internal, "")).into_http(),
        _ => answer(fake, path),
    }
}

#[tokio::test]
async fn a_feed_that_breaks_off_with_any_error_goes_on_and_ends_no_stream() {
    let (fake, clock) = (Arc::new(Fake::default()), Arc::new(ManualClock::new(UnixMillis(1_752_600_000_123))));
    let answering = Arc::clone(&fake);
    let wire = Wire::local(service_fn(move |request: http::Request<tonic::body::Body>| {
        let answer = faulty(&answering, request.uri().path());
        async move { Ok::<_, Infallible>(answer) }
    }));
    let mut client = RealtimeServiceClient::new(Wire::local(service(&wire, &clock)));
    let caller = Caller { actor: Actor::User(UserId(32)), ..Caller::of_app(AppId(1)) };
    let request = context::request(&caller, pb::SubscribeRequest::default());
    let mut stream = client.subscribe(request).await.expect("a stream").into_inner();
    let event = loop {
        let response = timeout(Duration::from_mins(1), stream.message()).await.expect("a response in time");
        let response = response.expect("the stream goes on").expect("a response");
        if let Some(event) = response.events.into_iter().next() {
            break event;
        }
    };
    assert_eq!(event.event.expect("an event").id, "m0-1");
    assert_eq!(fake.feeds.load(Ordering::Relaxed), 3);
}

/// The service in front of the services.
fn service(wire: &Wire, clock: &Arc<ManualClock>) -> RealtimeServiceServer<Realtime> {
    let wires = || wire.clone();
    let clients = Clients::new(wires(), wires(), wires(), wires(), wires(), wires());
    let given = (Arc::<ManualClock>::clone(clock) as Arc<dyn Clock>, Arc::new(OsEntropy) as Arc<dyn Entropy>);
    let gateway = Gateway::new(clients, GatewayConfig::default(), given);
    let directory = DirectoryCache::new(wires(), wires(), Arc::<ManualClock>::clone(clock));
    RealtimeServiceServer::new(Realtime::new(gateway, directory))
}

#[tokio::test]
async fn a_stream_ends_while_the_past_is_read_when_its_user_is_disabled() {
    let (fake, clock) = (Arc::new(Fake::default()), Arc::new(ManualClock::new(UnixMillis(1_752_600_000_123))));
    let answering = Arc::clone(&fake);
    let wire = Wire::local(service_fn(move |request: http::Request<tonic::body::Body>| {
        let answer = answer(&answering, request.uri().path());
        async move { Ok::<_, Infallible>(answer) }
    }));
    let caller = Caller { actor: Actor::User(UserId(32)), ..Caller::of_app(AppId(1)) };
    let request = pb::SubscribeRequest { user_ids: Vec::new(), cursor: "0:1".into() };
    let mut client = RealtimeServiceClient::new(Wire::local(service(&wire, &clock)));
    let mut stream = client.subscribe(context::request(&caller, request)).await.expect("a stream").into_inner();
    fake.past_is_asked.notified().await;
    fake.is_disabled.store(true, Ordering::Relaxed);
    // Beyond what is kept of users.
    clock.advance(Duration::from_secs(10));
    let end = timeout(Duration::from_mins(1), stream.message()).await.expect("it ends").expect_err("a status");
    assert_eq!(error_from_status(end).reason(), Reason::UserDisabled);
}
