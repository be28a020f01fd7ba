//! Traces across processes, and what must never be in them (docs/internals/processes.md).

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use opentelemetry_proto::tonic::{
    common::v1::any_value,
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use serde_json::json;
use tidings_domain::{USER_AGENT, hex};
use tidings_proto::pb::{
    self, app_ref, directory_service_client::DirectoryServiceClient, message_service_client::MessageServiceClient,
    user_ref,
};
use tidings_testkit::{Answer, Installation, Receiver, Socket, Suite, TestApp, free_address, wait_until};
use tonic::{Request, metadata::MetadataMap};

use crate::{
    collector::Collector,
    data_folder::run,
    log::register,
    lost_files::{damage_messages, used},
};

/// A trace id that the client chose, as W3C `traceparent`.
const TRACE: [u8; 16] =
    [0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36];
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// One send with complete tracing and logging.
async fn traced_send() -> (Collector, TestApp) {
    let (collector, url) = Collector::start().await;
    let settings = [
        ("TIDINGS_TELEMETRY_OTLP_ENDPOINT", url.as_str()),
        ("TIDINGS_TELEMETRY_LOG", "debug,tidings=trace"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ];
    let app = TestApp::of(Arc::new(Suite::split_with(1, &settings).await)).await;
    register(&app, &["ann"]).await;
    app.agora().register(&["bob"]).await;
    app.agora().logged_in("bob").await;
    let body = json!({"from": "ann", "to": ["bob"], "type": "txt", "body": {"msg": "between us"}});
    let request = app.agora().request(reqwest::Method::POST, "/messages/users");
    let sent = request.header("traceparent", TRACEPARENT).json(&body).send().await.unwrap();
    assert_eq!(sent.status().as_u16(), 200);
    (collector, app)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_send_is_one_trace_from_the_gateway_to_the_append_across_processes() {
    let (collector, _app) = traced_send().await;
    let mut lineage = Vec::new();
    wait_until("the spans of the send", async || {
        lineage = collector.lineage("message.append", &TRACE);
        lineage.last().is_some_and(|(_, name)| name == "gateway.request")
    })
    .await;
    let names: Vec<_> = lineage.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["message.append", "message.send", "grpc.request", "gateway.request"]);
    let agents = collector.agents();
    // tonic appends its own name to ours.
    assert!(!agents.is_empty());
    assert!(agents.iter().all(|agent| agent.split(' ').next() == Some(USER_AGENT)), "{agents:?}");
    assert!(lineage[0].0.contains("tidings-message"), "{lineage:?}");
    assert!(lineage[3].0.contains("tidings-gateway"), "{lineage:?}");
    let gateway =
        collector.spans().into_iter().find(|(_, span)| span.name == "gateway.request" && span.trace_id == TRACE);
    assert_eq!(
        gateway.unwrap().1.parent_span_id,
        [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7],
        "the client's span"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sampler_says_which_requests_are_traced_and_a_trace_of_the_caller_goes_on() {
    let (collector, url) = Collector::start().await;
    let mut installation = Installation::default()
        .with("TIDINGS_TELEMETRY_OTLP_ENDPOINT", &url)
        .with("OTEL_BSP_SCHEDULE_DELAY", "50")
        .with("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
        .with("OTEL_TRACES_SAMPLER_ARG", "0");
    installation.start().await;
    let agora = installation.agora().await;
    agora.register(&["ann", "bob"]).await;
    agora.send_text("ann", "bob", "untraced").await;
    let body = json!({"from": "ann", "to": ["bob"], "type": "txt", "body": {"msg": "traced"}});
    let request = agora.request(reqwest::Method::POST, "/messages/users").header("traceparent", TRACEPARENT);
    assert_eq!(request.json(&body).send().await.unwrap().status().as_u16(), 200);
    let is_append = |(_, span): &(String, Span)| span.name == "message.append";
    wait_until("the spans of the send", async || collector.spans().iter().any(is_append)).await;
    let others: Vec<_> = collector.spans().into_iter().filter(|(_, span)| span.trace_id != TRACE).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_token_password_or_content_is_in_a_span_or_a_log_line() {
    let (collector, app) = traced_send().await;
    wait_until("the spans of the send", async || !collector.lineage("message.append", &TRACE).is_empty()).await;
    let secrets = &app.secrets;
    let bob = app.agora().logged_in("bob").await;
    let hidden = [
        ("client secret", secrets.client_secret.as_str()),
        ("certificate", &secrets.app_certificate),
        ("app token", &app.agora().token),
        ("admin token", &app.lanying().token),
        ("user token", &bob.token),
        ("password", "bob-password"),
        ("service key", "0123456789abcdef0123456789abcdef"),
        ("data key", &"5a".repeat(32)),
        ("content", "between us"),
    ];
    let (spans, lines) = (format!("{:?}", collector.spans()), app.suite.logged());
    assert!(spans.contains("gateway.request"));
    assert!(lines.contains("request") && lines.lines().count() > 20, "{lines}");
    for (what, secret) in hidden {
        assert!(secret.len() > 8, "{what}");
        assert!(!spans.contains(secret), "the {what} is in a span");
        let line = lines.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "the {what} is in a log line");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_line_has_the_route_and_the_app_of_a_path_with_slashes_in_a_row() {
    let app = TestApp::of(Arc::new(Suite::split_with(1, &[("TIDINGS_TELEMETRY_LOG", "info")]).await)).await;
    app.agora().register(&["ann"]).await;
    let (org, name) = (&app.app().org, &app.app().name);
    let url = format!("{}//{org}//{name}//users///ann", app.suite.url());
    let request =
        reqwest::Client::new().get(url).bearer_auth(&app.agora().token).header("x-request-id", "many-slashes");
    assert_eq!(request.send().await.unwrap().status().as_u16(), 200);
    let mut line = None;
    wait_until("the line of the request", async || {
        let lines = app.suite.logged();
        let is_request = |line: &&str| line.contains("many-slashes") && line.contains("dialect=");
        line = lines.lines().find(is_request).map(str::to_owned);
        line.is_some()
    })
    .await;
    let line = line.unwrap();
    assert!(line.contains(r#"route="/{org}/{app}/users/{username}""#), "{line}");
    assert!(line.contains(&format!(r#"app="{org}#{name}""#)), "{line}");
}

/// An attribute of a span, as text.
fn attribute(span: &Span, key: &str) -> Option<String> {
    let value = span.attributes.iter().find(|attribute| attribute.key == key)?.value.clone()?.value?;
    Some(match value {
        any_value::Value::StringValue(text) => text,
        any_value::Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}

fn find(collector: &Collector, name: &str, is_it: impl Fn(&Span) -> bool) -> Option<(String, Span)> {
    collector.spans().into_iter().find(|(_, span)| span.name == name && is_it(span))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_have_kind_status_and_the_conventional_attributes() {
    let (collector, app) = traced_send().await;
    let mut found = None;
    wait_until("the spans of the send", async || {
        let of_trace = |span: &Span| span.trace_id == TRACE;
        let is_send = |span: &Span| of_trace(span) && attribute(span, "rpc.method").as_deref() == Some("Send");
        found = find(&collector, "gateway.request", of_trace).zip(find(&collector, "grpc.request", is_send));
        found.is_some()
    })
    .await;
    let ((service, request), (_, rpc)) = found.unwrap();
    assert!(service.contains("service.version") && service.contains(env!("CARGO_PKG_VERSION")), "{service}");
    assert_eq!((request.kind(), rpc.kind()), (SpanKind::Server, SpanKind::Server));
    for (span, key, value) in [
        (&request, "http.request.method", "POST"),
        (&request, "http.route", "/{org}/{app}/messages/users"),
        (&request, "http.response.status_code", "200"),
        (&rpc, "rpc.system", "grpc"),
        (&rpc, "rpc.service", "tidings.v1.MessageService"),
        (&rpc, "rpc.grpc.status_code", "0"),
    ] {
        assert_eq!(attribute(span, key).as_deref(), Some(value), "{key}");
    }
    assert_eq!(request.status.unwrap_or_default().code(), StatusCode::Unset);

    // Nobody answers the gateway any more.
    app.suite.signal("message", 0, "STOP");
    let body = json!({"from": "ann", "to": ["bob"], "type": "txt", "body": {"msg": "m"}});
    let refused = app.agora().post("/messages/users", &body).await;
    app.suite.signal("message", 0, "CONT");
    assert_eq!(refused.status, 503);
    let mut failed = None;
    wait_until("the span of the failed send", async || {
        let is_503 = |span: &Span| attribute(span, "http.response.status_code").as_deref() == Some("503");
        failed = find(&collector, "gateway.request", is_503);
        failed.is_some()
    })
    .await;
    let (_, failed) = failed.unwrap();
    assert_eq!(attribute(&failed, "error.type").as_deref(), Some("UNAVAILABLE"));
    assert_eq!(failed.status.unwrap_or_default().code(), StatusCode::Error);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_id_is_in_the_lines_of_every_role_and_a_refusal_says_who_and_why() {
    let app = TestApp::of(Arc::new(Suite::split_with(1, &[("TIDINGS_TELEMETRY_LOG", "info")]).await)).await;
    app.agora().register(&["ann", "bob"]).await;
    let body = json!({"from": "ann", "to": ["bob"], "type": "txt", "body": {"msg": "m"}});
    let send = app.agora().request(reqwest::Method::POST, "/messages/users").header("x-request-id", "one-send");
    assert_eq!(send.json(&body).send().await.unwrap().status().as_u16(), 200);
    let missing = app.agora().request(reqwest::Method::GET, "/users/nobody").header("x-request-id", "one-refusal");
    assert_eq!(missing.send().await.unwrap().status().as_u16(), 404);
    let mut lines = Vec::new();
    wait_until("the lines of the calls", async || {
        lines = app.suite.logged().lines().filter(|line| line.contains("one-")).map(str::to_owned).collect();
        lines.iter().any(|line| line.contains(r#"reason="USER_NOT_FOUND""#) && line.contains("dialect="))
            && lines.iter().any(|line| line.contains("MessageService/Send"))
            && lines.iter().any(|line| line.contains("DirectoryService/GetApp"))
            && lines.iter().any(|line| line.contains("DirectoryService/GetUser"))
    })
    .await;
    let line = |parts: &[&str]| {
        let found = lines.iter().any(|line| parts.iter().all(|part| line.contains(part)));
        assert!(found, "no line with {parts:?} in {lines:#?}");
    };
    line(&[
        "one-send",
        r#"dialect="agora""#,
        "status=200",
        r#"caller="app""#,
        r#"route="/{org}/{app}/messages/users""#,
    ]);
    line(&["one-send", "rpc", "tidings.v1.MessageService/Send", r#"code="OK""#]);
    // Asked by the message service.
    line(&["one-send", "rpc", "DirectoryService/GetApp"]);
    line(&["one-refusal", "status=404", "service_resource_not_found", r#"reason="USER_NOT_FOUND""#, r#"caller="app""#]);
    line(&["one-refusal", "rpc", "DirectoryService/GetUser", r#"code="NOT_FOUND""#, r#"reason="USER_NOT_FOUND""#]);
    let health = app.suite.logged().lines().any(|line| line.contains("/readyz") || line.contains("grpc.health"));
    assert!(!health, "health checks have no lines");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_attempt_at_a_callback_is_a_span_of_the_sends_trace_and_its_receiver_a_child_of_it() {
    let (collector, url) = Collector::start().await;
    let mut installation = Installation::default();
    installation.set("TIDINGS_TELEMETRY_OTLP_ENDPOINT", &url);
    installation.set("OTEL_BSP_SCHEDULE_DELAY", "50");
    installation.start().await;
    let tried = AtomicBool::new(false);
    let receiver = Receiver::start(move |_| {
        if tried.swap(true, Ordering::SeqCst) {
            return Answer::ok();
        }
        Answer::status(500)
    });
    let url = receiver.url();
    let words = ["callback", "add", "--app", "demo/demo", "--dialect", "agora", "--url", &url, "--allow-private"];
    run(&installation, &words);
    let agora = installation.agora().await;
    agora.register(&["nora", "omar"]).await;
    let body = json!({"from": "nora", "to": ["omar"], "type": "txt", "body": {"msg": "traced"}});
    let request = agora.request(reqwest::Method::POST, "/messages/users").header("traceparent", TRACEPARENT);
    assert_eq!(request.json(&body).send().await.unwrap().status().as_u16(), 200);
    let calls = receiver.wait_for(2).await;
    let mut attempts = Vec::new();
    wait_until("the spans of both attempts", async || {
        attempts = collector.spans();
        attempts.retain(|(_, span)| span.name == "callback.attempt");
        attempts.len() == 2
    })
    .await;
    for (call, status) in calls.iter().zip(["500", "200"]) {
        let parent = &call.headers["traceparent"].to_str().unwrap()[36..52];
        let is_it = |span: &Span| hex(&span.span_id) == parent;
        let (_, span) = attempts.iter().find(|(_, span)| is_it(span)).expect("the receiver's parent is an attempt");
        assert_eq!((span.trace_id.as_slice(), span.kind()), (TRACE.as_slice(), SpanKind::Client));
        assert_eq!(attribute(span, "http.response.status_code").as_deref(), Some(status));
        let failed = span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error);
        assert_eq!(failed, status == "500");
    }
    let lineage = collector.lineage("callback.attempt", &TRACE);
    let names: Vec<_> = lineage.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["callback.attempt", "message.send", "gateway.request"]);
}

/// The lines with all of these parts.
fn lines_with(logged: &str, parts: &[&str]) -> Vec<String> {
    let has_all = |line: &&str| parts.iter().all(|part| line.contains(part));
    logged.lines().filter(has_all).map(str::to_owned).collect()
}

/// A call with that key and that id of a request, if any.
fn call<T>(key: &str, id: Option<&'static str>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().expect("visible ASCII"));
    if let Some(id) = id {
        request.metadata_mut().insert("x-request-id", id.parse().expect("visible ASCII"));
    }
    request
}

/// The id of the request in the metadata of an answer.
fn request_id(metadata: &MetadataMap) -> String {
    metadata.get("x-request-id").expect("an id").to_str().expect("visible ASCII").to_owned()
}

/// The end of the line of a call that the door refused or admitted: who called, and the call's own id.
fn of_account(app: &TestApp, account: i64, id: &str) -> [String; 3] {
    [format!(r#"app="{}""#, app.app().id), format!(r#"account="{account}""#), format!("request_id={id}")]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_the_grpc_door_refuses_has_a_line_and_a_span_with_reason_and_account_and_never_its_key() {
    let (collector, url) = Collector::start().await;
    let settings = [
        ("TIDINGS_TELEMETRY_OTLP_ENDPOINT", url.as_str()),
        ("TIDINGS_TELEMETRY_LOG", "info"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ];
    let app = TestApp::of(Arc::new(Suite::split_with(1, &settings).await)).await;
    let by_id = pb::AppRef { app: Some(app_ref::App::Id(app.app().id)) };
    let rates = HashMap::from([("rate_export_calls_minute".to_owned(), 1)]);
    let policy =
        pb::SetPolicyRequest { app: Some(by_id.clone()), policy: Some(pb::Policy { rates, ..Default::default() }) };
    app.directory().set_policy(app.suite.request(policy)).await.unwrap();
    let (key, account) = app.service_account(&["read"]).await;
    let forged = format!("tsa-{}-{account}-forged", app.app().id);
    let mut users = DirectoryServiceClient::new(app.suite.door());
    let mut messages = MessageServiceClient::new(app.suite.door());
    let list = |key: &str, id| call(key, id, pb::ListUsersRequest::default());

    let nobody = users.list_users(list("nonsense", Some("by-nobody"))).await.unwrap_err();
    assert_eq!(request_id(nobody.metadata()), "by-nobody");
    let refused = users.list_users(list(&forged, Some("by-forger"))).await.unwrap_err();
    assert_eq!(request_id(refused.metadata()), "by-forger");
    let admitted = users.list_users(list(&key, None)).await.unwrap();
    let own_id = request_id(admitted.metadata());
    messages.send(call(&key, Some("beyond-scope"), pb::SendRequest::default())).await.unwrap_err();
    for _ in 0..3 {
        // A minute may end in between.
        let _ = messages.export(call(&key, Some("beyond-rate"), pb::ExportRequest::default())).await;
    }
    let revoke = pb::RevokeServiceAccountRequest { app: Some(by_id), id: account };
    app.directory().revoke_service_account(app.suite.request(revoke)).await.unwrap();
    wait_until("the key to be revoked", async || users.list_users(list(&key, Some("by-revoked"))).await.is_err()).await;

    let known = |id: &str| of_account(&app, account, id);
    let [scope, rate, revoked, own] = ["beyond-scope", "beyond-rate", "by-revoked", &own_id].map(known);
    let wanted: [(&str, Vec<&str>); 6] = [
        ("SERVICE_KEY_WRONG", vec![r#"code="UNAUTHENTICATED""#, "ListUsers", "request_id=by-nobody"]),
        ("TOKEN_FORGED", vec![r#"code="UNAUTHENTICATED""#, "request_id=by-forger"]),
        ("NOT_PERMITTED", scope.iter().map(String::as_str).chain(["MessageService/Send"]).collect()),
        ("RATE_REACHED", rate.iter().map(String::as_str).chain([r#"code="RESOURCE_EXHAUSTED""#]).collect()),
        ("TOKEN_REVOKED", revoked.iter().map(String::as_str).collect()),
        // The admitted call, at the gateway and at the directory.
        ("", own.iter().map(String::as_str).chain([r#"code="OK""#]).collect()),
    ];
    let mut logged = String::new();
    for (reason, parts) in &wanted {
        let reason = if reason.is_empty() { String::new() } else { format!(r#"reason="{reason}""#) };
        let all = [parts.as_slice(), &[reason.as_str()]].concat();
        wait_until(&format!("a line with {all:?}"), async || {
            logged = app.suite.logged();
            !lines_with(&logged, &all).is_empty()
        })
        .await;
    }
    let claimed = lines_with(&logged, &["by-forger"]);
    assert!(claimed.iter().all(|line| !line.contains("account=")), "nobody has proved to be it: {claimed:?}");
    wait_until("both lines of the admitted call", async || {
        lines_with(&app.suite.logged(), &own.each_ref().map(String::as_str)).len() >= 2
    })
    .await;
    let logged = app.suite.logged();
    assert!(![&key, &forged].into_iter().any(|key| logged.contains(key)), "a key is in a log line");

    let mut spans = Vec::new();
    wait_until("the spans of the refusals", async || {
        let of = |reason: &'static str| {
            find(&collector, "grpc.request", move |span: &Span| {
                attribute(span, "error.type").as_deref() == Some(reason)
            })
        };
        spans = ["SERVICE_KEY_WRONG", "TOKEN_FORGED", "NOT_PERMITTED", "RATE_REACHED", "TOKEN_REVOKED"]
            .map(of)
            .into_iter()
            .flatten()
            .collect();
        spans.len() == 5
    })
    .await;
    let codes: Vec<_> =
        spans.iter().map(|(_, span)| attribute(span, "rpc.grpc.status_code").unwrap_or_default()).collect();
    assert_eq!(codes, ["16", "16", "7", "8", "16"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_refused_grpc_calls_is_a_line_a_second_with_how_many_there_were() {
    let app = TestApp::of(Arc::new(Suite::split_with(1, &[("TIDINGS_TELEMETRY_LOG", "info")]).await)).await;
    let mut users = DirectoryServiceClient::new(app.suite.door());
    let began = Instant::now();
    let mut calls = 0;
    while began.elapsed() < Duration::from_secs(2) {
        users.list_users(call("nonsense", None, pb::ListUsersRequest::default())).await.unwrap_err();
        calls += 1;
    }
    let seconds = began.elapsed().as_secs() as usize + 2;
    let mut lines = Vec::new();
    wait_until("a line that counts", async || {
        lines = lines_with(&app.suite.logged(), &["SERVICE_KEY_WRONG"]);
        lines.iter().any(|line| line.contains("repeated=") && !line.contains("repeated=0"))
    })
    .await;
    assert!(lines.len() <= seconds && lines.len() < calls, "{} lines of {calls} calls in {seconds} s", lines.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_socket_asks_for_is_a_span_and_where_it_is_refused_a_line_and_both_lead_to_its_calls() {
    let (collector, url) = Collector::start().await;
    let settings = [
        ("TIDINGS_TELEMETRY_OTLP_ENDPOINT", url.as_str()),
        ("TIDINGS_TELEMETRY_LOG", "info"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ];
    let app = TestApp::of(Arc::new(Suite::split_with(1, &settings).await)).await;
    let agora = app.agora();
    agora.register(&["ann", "bob"]).await;
    let user = Some(pb::UserRef { user: Some(user_ref::User::Username("ann".to_owned())) });
    let ann = app.directory().get_user(app.request(pb::GetUserRequest { user })).await.unwrap().into_inner().id;
    let wrong = json!({"type": "auth", "app": format!("{}#{}", app.app().org, app.app().name), "token": "nonsense"});
    let mut stranger = Socket::connect(&app.suite.url()).await;
    stranger.send(&wrong).await;
    let refused = stranger.next().await.expect("a frame")["reason"].as_str().expect("a reason").to_owned();
    let mut socket = Socket::open(&app, &agora.logged_in("ann").await.token, None).await;
    let say = |id: &str, to: &str| {
        json!({"type": "send", "id": id, "chat_type": "groupchat",
        "message": {"to": [to], "type": "txt", "body": {"msg": "m"}}})
    };
    for n in 0..20 {
        socket.send(&say(&n.to_string(), "1")).await;
        assert_eq!(socket.next_of("error").await["reason"], "GROUP_NOT_FOUND");
    }
    let (user, name) = (format!("user={ann}"), format!(r#"app="{}#{}""#, app.app().org, app.app().name));
    let of_send = [r#"wire="json""#, r#"command="send""#, r#"reason="GROUP_NOT_FOUND""#, &user, &name];
    let mut line = String::new();
    wait_until("the line of a refused send", async || {
        let lines = lines_with(&app.suite.logged(), &of_send);
        assert!(lines.len() < 20, "{lines:?}");
        line = lines.first().cloned().unwrap_or_default();
        !line.is_empty()
    })
    .await;
    let login = [r#"command="auth""#, &format!(r#"reason="{refused}""#), &name];
    wait_until("the line of the refused login", async || !lines_with(&app.suite.logged(), &login).is_empty()).await;
    let value = |name: &str| {
        let (_, rest) = line.split_once(&format!("{name}=")).unwrap_or_else(|| panic!("no {name} in {line}"));
        rest.split(' ').next().unwrap().trim_matches('"').to_owned()
    };
    let (id, trace) = (value("request_id"), value("trace_id"));
    wait_until("the line of its call", async || {
        !lines_with(&app.suite.logged(), &[&id, "MessageService/Send", "GROUP_NOT_FOUND"]).is_empty()
    })
    .await;
    wait_until("its span with that of its call", async || {
        let is_it = |span: &Span| hex(&span.trace_id) == trace;
        let asked = find(&collector, "realtime.command", is_it);
        asked.zip(find(&collector, "grpc.request", is_it)).is_some_and(|((_, asked), _)| {
            attribute(&asked, "command").as_deref() == Some("send") && asked.kind() == SpanKind::Server
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_of_the_server_that_lanying_answers_with_200_is_an_error_in_its_span_and_its_number() {
    let (collector, url) = Collector::start().await;
    let metrics = free_address();
    let mut installation = used().await;
    damage_messages(&installation).await;
    installation.set("TIDINGS_TELEMETRY_OTLP_ENDPOINT", &url);
    installation.set("TIDINGS_METRICS_LISTEN", &metrics);
    installation.set("OTEL_BSP_SCHEDULE_DELAY", "50");
    installation.start().await;
    let lanying = installation.lanying();
    let (ann, bob) = (lanying.register("ann").await, lanying.register("bob").await);
    let path = format!("/message/conversation?opposite_id={bob}&msg_id_start=0&limit=20");
    let refused = lanying.acting_as(ann).get(&path).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (200, &json!(20000)));
    let mut failed = None;
    wait_until("the span of the call", async || {
        let is_it = |span: &Span| attribute(span, "error.type").as_deref() == Some("DATA_DAMAGED");
        failed = find(&collector, "gateway.request", is_it);
        failed.is_some()
    })
    .await;
    let (_, failed) = failed.unwrap();
    assert_eq!(attribute(&failed, "http.response.status_code").as_deref(), Some("200"));
    assert_eq!(failed.status.unwrap_or_default().code(), StatusCode::Error);
    let numbers = reqwest::get(format!("http://{metrics}/metrics")).await.unwrap().text().await.unwrap();
    let series = r#"route="/message/conversation",status="200",code="20000",reason="DATA_DAMAGED"} 1"#;
    assert!(numbers.contains(series), "{numbers}");
}
