//! Traces across processes, and what must never be in them (docs/internals/processes.md).

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use opentelemetry_proto::tonic::{
    common::v1::any_value,
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use serde_json::json;
use tidings_domain::{USER_AGENT, hex};
use tidings_testkit::{Answer, Installation, Receiver, Suite, TestApp, wait_until};

use crate::{collector::Collector, data_folder::run, log::register};

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
