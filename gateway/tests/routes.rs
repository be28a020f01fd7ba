//! Routes, layers and error texts, in front of fake services.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{body::Body, extract::ConnectInfo, response::Response};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use tidings_domain::{App, Error, ManualClock, OsEntropy, Policy, Reason, UnixMillis};
use tidings_gateway::{Gateway, GatewayConfig, ROUTE_RIGHTS, RouteAccess, router, serve};
use tidings_proto::{internal, pb, status_from_error, timestamp};
use tidings_runtime::{Acceptor, Bounds, Clients, Shutdown, Wire};
use tower::{ServiceExt as _, service_fn};

const NOW: UnixMillis = UnixMillis(1_752_600_000_123);

fn app() -> pb::App {
    let app = App { policy: Policy { lanying_open_registration: false, ..Policy::default() }, ..App::example() };
    app.into()
}

fn grpc(message: &impl prost::Message) -> http::Response<tonic::body::Body> {
    let mut bytes = vec![0];
    let encoded = message.encode_to_vec();
    bytes.extend(u32::try_from(encoded.len()).expect("answers are short").to_be_bytes());
    bytes.extend(encoded);
    let trailers =
        HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
    let body = Full::new(bytes::Bytes::from(bytes)).with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = http::Response::new(tonic::body::Body::new(body));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

fn refuse(reason: Reason, subject: &str) -> http::Response<tonic::body::Body> {
    status_from_error(Error::new(reason, subject)).into_http()
}

/// Tokens: `app`, `ann` (user 32) and none. All others are invalid.
fn authenticate(request: &pb::AuthenticateRequest) -> http::Response<tonic::body::Body> {
    let known = match request.app.as_ref().and_then(|app| app.app.as_ref()) {
        Some(pb::app_ref::App::AppKey(key)) => key == "acme#lobby",
        Some(pb::app_ref::App::LanyingAppId(id)) => id == "welovemaxim",
        _ => false,
    };
    if !known {
        return refuse(Reason::AppNotFound, "nobody");
    }
    let mut identity = pb::Identity { app: Some(app()), ..pb::Identity::default() };
    match request.token.as_str() {
        "" => identity.set_kind(pb::IdentityKind::Anonymous),
        "app" => identity.set_kind(pb::IdentityKind::App),
        "ann" => {
            identity.set_kind(pb::IdentityKind::User);
            identity.user_id = 32;
            identity.username = "ann".into();
        }
        _ => return refuse(Reason::TokenMalformed, ""),
    }
    grpc(&identity)
}

fn send(request: &pb::SendRequest) -> http::Response<tonic::body::Body> {
    let sent = request.targets.iter().zip(1..).map(|(target, n)| {
        let (receiver_id, username) = match &target.target {
            Some(pb::target::Target::Username(name)) if name == "busy" => return None,
            Some(pb::target::Target::Username(name)) => (48, name.clone()),
            Some(pb::target::Target::UserId(99)) => return None,
            Some(pb::target::Target::UserId(id) | pb::target::Target::GroupId(id) | pb::target::Target::RoomId(id)) => {
                (*id, String::new())
            }
            None => (0, String::new()),
        };
        let kind = pb::ConversationKind::Direct.into();
        let conversation = Some(pb::ConversationId { kind, id: 0, higher_user_id: receiver_id });
        Some(pb::Sent { receiver_id, conversation, msg_id: 1000 + n, seq: 1, username })
    });
    match sent.collect::<Option<Vec<_>>>() {
        Some(sent) => grpc(&pb::SendResponse {
            sent,
            accepted_at: Some(timestamp(UnixMillis(NOW.0 - 2))),
            committed_at: Some(timestamp(NOW)),
        }),
        None => refuse(Reason::Overloaded, ""),
    }
}

async fn answer(request: http::Request<tonic::body::Body>) -> Result<http::Response<tonic::body::Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let bytes = request.into_body().collect().await.expect("the body is in memory").to_bytes();
    // An upload whose form never comes to a file has no message.
    let bytes = bytes.slice(bytes.len().min(5)..);
    Ok(match path.rsplit('/').next() {
        Some("Authenticate") => authenticate(&pb::AuthenticateRequest::decode(bytes).expect("ours")),
        Some("Send") => send(&pb::SendRequest::decode(bytes).expect("ours")),
        Some("Memberships") => grpc(&internal::MembershipsResponse::default()),
        Some("Upload") => refuse(Reason::InvalidArgument, "header must come first"),
        Some("GetUser") => refuse(Reason::UserNotFound, "omar"),
        _ => panic!("no answer to {path}"),
    })
}

fn gateway(config: GatewayConfig) -> Gateway {
    let wire = Wire::local(service_fn(answer));
    let clients = Clients::new(wire.clone(), wire.clone(), wire.clone(), wire.clone(), wire.clone(), wire);
    Gateway::new(clients, config, (Arc::new(ManualClock::new(NOW)), Arc::new(OsEntropy)))
}

async fn ask(request: http::request::Builder, body: impl Into<Body>) -> (StatusCode, HeaderMap, String) {
    let config = GatewayConfig { cors_origins: vec!["https://a.test".into()], ..GatewayConfig::default() };
    let peer = ConnectInfo(SocketAddr::from(([203, 0, 113, 7], 4000)));
    let request = request.extension(peer).body(body.into()).expect("the test's requests are valid");
    let response: Response = router(gateway(config)).oneshot(request).await.expect("routes cannot fail");
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("the body is in memory");
    (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
}

fn agora(method: &str, path: &str, token: &str) -> http::request::Builder {
    let request = Request::builder().method(method).uri(format!("/acme/lobby{path}")).header("host", "chat.test");
    if token.is_empty() { request } else { request.header("authorization", format!("Bearer {token}")) }
}

fn lanying(method: &str, path: &str, token: &str) -> http::request::Builder {
    let request = Request::builder().method(method).uri(path).header("app_id", "welovemaxim");
    if token.is_empty() { request } else { request.header("access-token", token) }
}

const TEXT: &str = r#"{"from":"nora","to":["Omar"],"type":"txt","body":{"msg":"hi"}}"#;

#[tokio::test]
async fn an_agora_send_answers_as_2_4_says() {
    let (status, headers, body) = ask(agora("POST", "/messages/users/?resource=x", "app"), TEXT).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-type"], "application/json");
    assert!(headers.contains_key("x-request-id"));
    assert_eq!(
        body,
        r#"{"path":"/messages/users","uri":"http://chat.test/acme/lobby/messages/users","timestamp":1752600000123,"organization":"acme","application":"3f1c2a90","action":"post","data":{"omar":"1001"},"duration":2,"applicationName":"lobby"}"#
    );
}

#[tokio::test]
async fn agora_refuses_in_its_own_words() {
    let told = |(status, _, body): (StatusCode, HeaderMap, String)| {
        let error = body.split('"').nth(3).unwrap_or_default().to_owned();
        (status.as_u16(), error)
    };
    let send = |token| ask(agora("POST", "/messages/users", token), TEXT);
    assert_eq!(told(send("").await), (401, "unauthorized".into()));
    assert_eq!(told(send("ann").await), (401, "auth_bad_access_token".into()));
    assert_eq!(told(send("junk").await), (401, "auth_bad_access_token".into()));
    assert_eq!(told(ask(agora("POST", "/messages/users", "app"), "x").await), (400, "json_parse".into()));
    let key = agora("POST", "/messages/users", "app").header("idempotency-key", "two words");
    assert_eq!(told(ask(key, TEXT).await), (400, "illegal_argument".into()));
    assert_eq!(told(ask(agora("POST", "/users", ""), "{}").await), (401, "unauthorized".into()));
    assert_eq!(told(ask(agora("GET", "/users/omar", "app"), "").await), (404, "service_resource_not_found".into()));
    assert_eq!(told(ask(agora("GET", "/nowhere", "app"), "").await), (404, "service_resource_not_found".into()));
    assert_eq!(
        told(ask(agora("GET", "/messages/users", "app"), "").await),
        (405, "unsupported_service_operation".into())
    );
    let large = vec![b' '; 4 * 1024 * 1024];
    assert_eq!(
        told(ask(agora("POST", "/messages/users", "app"), large).await),
        (413, "Request Entity Too Large".into())
    );
}

#[tokio::test]
async fn an_unknown_app_is_named_with_its_path_agora_8_2() {
    let request = Request::post("/acme/hall/users").header("authorization", "Bearer app");
    let (status, _, body) = ask(request, "{}").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.contains("Could not find application for acme/hall from URI: acme/hall/users"), "{body}");
}

#[tokio::test]
async fn overload_is_503_with_retry_after_in_both_dialects_decision_8() {
    let busy = TEXT.replace("Omar", "busy");
    let (status, headers, _) = ask(agora("POST", "/messages/users", "app"), busy).await;
    assert_eq!((status.as_u16(), headers["retry-after"].to_str().unwrap()), (503, "1"));
    let busy = r#"{"type":1,"targets":[99],"content_type":0,"content":"hi"}"#;
    let (status, headers, body) = ask(lanying("POST", "/message/send", "ann"), busy).await;
    assert_eq!((status.as_u16(), headers["retry-after"].to_str().unwrap()), (503, "1"));
    assert_eq!(body, r#"{"code":503,"message":"overloaded"}"#);
}

#[tokio::test]
async fn a_lanying_send_has_msg_ids_for_one_receiver_only() {
    let body = |targets: &str| format!(r#"{{"type":1,"targets":{targets},"content_type":0,"content":"hi"}}"#);
    for method in ["POST", "PUT"] {
        let (status, _, answer) = ask(lanying(method, "/message/send", "ann"), body("[48]")).await;
        assert_eq!((status.as_u16(), answer.as_str()), (200, r#"{"code":200,"data":true,"msg_ids":[1001]}"#));
    }
    let (_, _, answer) = ask(lanying("POST", "/message/send", "ann"), body("[48,64]")).await;
    assert_eq!(answer, r#"{"code":200,"data":true}"#);
}

#[tokio::test]
async fn lanying_refuses_with_status_200_and_a_code() {
    let code = |(status, _, body): (StatusCode, HeaderMap, String)| {
        assert_eq!(status, StatusCode::OK, "{body}");
        body.split([':', ',']).nth(1).and_then(|code| code.parse::<i32>().ok())
    };
    let send = |token| lanying("POST", "/message/send", token);
    assert_eq!(code(ask(send(""), "{}").await), Some(10003));
    assert_eq!(code(ask(send("junk"), "{}").await), Some(10008));
    assert_eq!(code(ask(send("ann"), "{}").await), Some(10002));
    assert_eq!(code(ask(send("ann").header("user_id", "48"), "{}").await), Some(10010));
    assert_eq!(code(ask(send("app").header("group_id", "17"), "{}").await), Some(20001));
    let as_other = r#"{"type":1,"targets":[48],"content_type":0,"content":"hi","from_user_id":48}"#;
    assert_eq!(code(ask(send("ann"), as_other).await), Some(10010));
    assert_eq!(code(ask(Request::get("/message/unread"), "").await), Some(40000));
    let history = lanying("GET", "/message/conversation?opposite_id=48&msg_id_start=0&limit=0", "ann");
    assert_eq!(code(ask(history, "").await), Some(10002));
    assert_eq!(code(ask(lanying("POST", "/user/register/v2", ""), "{}").await), Some(10010));
}

#[tokio::test]
async fn other_routes_are_no_organizations_decision_10() {
    let (status, _, body) = ask(Request::post("/user/register/users"), "{}").await;
    assert_eq!((status.as_u16(), body.as_str()), (404, r#"{"code":404,"message":"no such call"}"#));
    let (status, _, body) = ask(lanying("DELETE", "/message/send", "ann"), "").await;
    assert_eq!((status.as_u16(), body.as_str()), (405, r#"{"code":405,"message":"no such method"}"#));
}

#[tokio::test]
async fn a_panic_is_the_dialects_internal_error() {
    let (status, headers, body) = ask(lanying("GET", "/message/unread", "ann"), "").await;
    assert_eq!((status.as_u16(), body.as_str()), (500, r#"{"code":20000,"message":"internal"}"#));
    assert!(headers.contains_key("x-request-id"));
}

#[tokio::test]
async fn browsers_of_listed_origins_may_call() {
    let preflight = |origin: &str| {
        let request = Request::builder().method("OPTIONS").uri("/message/send").header("origin", origin);
        request.header("access-control-request-method", "POST")
    };
    let (status, headers, _) = ask(preflight("https://a.test"), "").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(headers["access-control-allow-origin"], "https://a.test");
    let (status, headers, _) = ask(preflight("https://b.test"), "").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(!headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn health_says_why_not() {
    let wire = Wire::local(service_fn(answer));
    let clients = Clients::new(wire.clone(), wire.clone(), wire.clone(), wire.clone(), wire.clone(), wire);
    let ready: tidings_gateway::Ready = Arc::new(|| Box::pin(async { Err("message: connection refused".to_owned()) }));
    let clock = Arc::new(ManualClock::new(NOW));
    let router = router(Gateway::with_ready(clients, GatewayConfig::default(), (clock, Arc::new(OsEntropy)), ready));
    let get = |path: &str| Request::get(path).body(Body::empty()).expect("the test's requests are valid");
    let response = router.clone().oneshot(get("/readyz")).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
    assert_eq!(&body[..], br#"{"status":"unavailable","reason":"message: connection refused"}"#);
    let alive = tokio::time::timeout(Duration::from_secs(5), router.oneshot(get("/livez"))).await.unwrap().unwrap();
    assert_eq!(alive.status(), StatusCode::OK);
}

/// An endless body, and how many pieces of 64 KiB were read of it.
fn endless(start: &'static str) -> (Body, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    let piece = move |n: usize| {
        counted.fetch_add(1, Ordering::Relaxed);
        let bytes = if n == 0 { start.as_bytes().to_vec() } else { vec![b'a'; 64 * 1024] };
        Ok::<_, Infallible>(bytes)
    };
    (Body::from_stream(futures_util::stream::iter((0..).map(piece))), taken)
}

#[tokio::test]
async fn a_form_that_comes_to_nothing_is_not_gathered_in_memory() {
    for start in ["", "--b\r\nx: "] {
        let (body, taken) = endless(start);
        let request = agora("POST", "/chatfiles", "app").header("content-type", "multipart/form-data; boundary=b");
        let (status, _, text) = ask(request, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{text}");
        assert!(text.contains("body is not a complete form"), "{text}");
        assert!(taken.load(Ordering::Relaxed) < 40);
    }
}

/// A call of a route, in the app of the test.
fn route(method: &str, path: &str, token: &str) -> http::request::Builder {
    let inside = path.replace("{org}", "acme").replace("{app}", "lobby");
    let filled: Vec<&str> = inside.split('/').map(|part| if part.starts_with('{') { "1" } else { part }).collect();
    let request = Request::builder().method(method).uri(filled.join("/")).header("host", "chat.test");
    let request = request.header("app_id", "welovemaxim");
    match token {
        "" => request,
        _ => request.header("authorization", format!("Bearer {token}")).header("access-token", token),
    }
}

/// Whether the answer says that the token is insufficient, in either dialect.
fn is_refused((status, _, text): &(StatusCode, HeaderMap, String)) -> bool {
    let code = serde_json::from_str::<serde_json::Value>(text).ok().and_then(|body| body["code"].as_i64());
    *status == StatusCode::UNAUTHORIZED || matches!(code, Some(10003 | 10010))
}

#[tokio::test]
async fn every_route_refuses_whom_its_row_refuses_and_takes_no_other_method() {
    for right in ROUTE_RIGHTS {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let what = format!("{method} {}", right.path);
            let of_path = ROUTE_RIGHTS.iter().filter(|other| other.path == right.path);
            if !of_path.clone().any(|other| other.methods.contains(&method)) {
                let (status, _, _) = ask(route(method, right.path, ""), Body::empty()).await;
                assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{what}");
                continue;
            }
            if !right.methods.contains(&method) {
                continue;
            }
            let (nobody, user) = match right.access {
                RouteAccess::Open | RouteAccess::Address => continue,
                RouteAccess::User => (true, false),
                RouteAccess::App | RouteAccess::OpenByPolicy | RouteAccess::AppOrUserByPolicy => (true, true),
            };
            for (token, refused) in [("", nobody), ("ann", user)] {
                if refused {
                    let answer = ask(route(method, right.path, token), Body::empty()).await;
                    assert!(is_refused(&answer), "{what} with the token `{token}`: {answer:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_connection_that_arrived_before_the_stop_is_answered_and_not_reset() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = tokio::net::TcpStream::connect(address).await.expect("a connection");
        client.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("written");
        clients.push(client);
    }
    let stop = Shutdown::default();
    stop.drain();
    stop.trigger();
    let bounds = Bounds { total: 16, per_address: 16 };
    serve((listener, Acceptor::plain()), gateway(GatewayConfig::default()), bounds, stop, Duration::from_millis(200))
        .await;
    for mut client in clients {
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close"), "{answer}");
    }
}
