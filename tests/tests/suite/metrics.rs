//! `/metrics` of every process (docs/metrics.md): what was done is in the numbers, under the names and labels of the page.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use tidings_proto::pb;
use tidings_testkit::{Answer, Receiver, Socket, Suite, every_shape, wait_until};

use crate::msync_refusals::Raw;

/// The numbers of all processes, by name and labels as they are written, added up.
struct Numbers(BTreeMap<String, f64>);

impl Numbers {
    async fn of(suite: &Suite) -> Self {
        let mut numbers = BTreeMap::new();
        for reply in suite.metrics().await {
            assert_eq!(reply.status, 200);
            assert_eq!(reply.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
            for line in reply.text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
                let (series, value) = line.rsplit_once(' ').expect("a name and a number");
                *numbers.entry(series.to_owned()).or_default() += value.parse::<f64>().expect("a number");
            }
        }
        Self(numbers)
    }

    fn get(&self, series: &str) -> f64 {
        self.0.get(series).copied().unwrap_or_default()
    }

    /// How much it has grown since `before`.
    fn since(&self, before: &Self, series: &str) -> f64 {
        self.get(series) - before.get(series)
    }
}

/// A series without what a histogram adds to its name and labels: the name, and the names of its labels.
fn name_and_labels(series: &str) -> (String, BTreeSet<String>) {
    let (name, labels) = series.trim_end_matches('}').split_once('{').unwrap_or((series, ""));
    // No value has a quote in it.
    let keys = labels.split('"').step_by(2).map(|key| key.trim_matches([',', '=']).to_owned());
    let mut keys: BTreeSet<String> = keys.filter(|key| !key.is_empty()).collect();
    keys.remove("le");
    let base = ["_bucket", "_sum", "_count"].into_iter().find_map(|end| name.strip_suffix(end));
    (base.unwrap_or(name).to_owned(), keys)
}

/// Names and labels as docs/metrics.md lists them.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let words = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let rows = include_str!("../../../docs/metrics.md").lines().filter(|line| line.starts_with("| `"));
    let cells = rows.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let metrics = cells.filter(|cells| ["counter", "gauge", "histogram"].contains(&cells[2]));
    metrics.map(|cells| (words(cells[1]).remove(0), words(cells[3]).into_iter().collect())).collect()
}

every_shape! {
    async fn what_was_done_is_in_the_numbers_of_the_processes_that_did_it(app: TestApp) {
        let agora = app.agora();
        let before = Numbers::of(&app.suite).await;
        agora.register(&["nora", "omar"]).await;
        let receiver = Receiver::start(|_| Answer::ok());
        let endpoint = pb::AddEndpointRequest {
            dialect: pb::CallbackDialect::Agora.into(),
            url: receiver.url(),
            allow_private: true,
            events: vec!["message.sent".to_owned()],
            ..Default::default()
        };
        app.callbacks().add_endpoint(app.request(endpoint)).await.expect("added");
        let mut omar = Socket::open(&app, &agora.logged_in("omar").await.token, None).await;
        for _ in 0..3 {
            agora.send_text("nora", "omar", "hello").await;
            omar.event("message.sent").await;
        }
        receiver.wait_for(3).await;
        omar.send(&json!({"type": "ping"})).await;
        omar.next_of("pong").await;
        omar.send(&json!({"type": "read", "id": "1", "msg_id": "x"})).await;
        omar.next_of("error").await;
        omar.send(&json!({"type": "shout", "id": "1"})).await;
        omar.next_of("error").await;
        let mut device = Raw::logged_in(&app, "nora").await;
        assert_eq!(device.says("omar", "hello").await.0, 0);
        assert_ne!(device.says("", "hello").await.0, 0);
        app.realtime().subscribe(app.request(pb::SubscribeRequest::default())).await.expect_err("nobody is named");
        let unnamed = json!({"from": "nora", "to": [], "type": "txt", "body": {"msg": "m"}});
        agora.post("/messages/users", &unnamed).await.expect(400);
        agora.with_token("").get("/users").await.expect(401);
        app.lanying().get("/message/unread?x=1").await;
        agora.get("/no/such/route").await.expect(404);

        let at_least = [
            (r#"tidings_http_requests_total{dialect="agora",method="POST",route="/{org}/{app}/messages/users",status="200",code="",reason=""}"#, 3.0),
            (r#"tidings_http_requests_total{dialect="agora",method="GET",route="/{org}/{app}/users",status="401",code="unauthorized",reason="TOKEN_MISSING"}"#, 1.0),
            (r#"tidings_http_requests_total{dialect="none",method="GET",route="none",status="404",code="service_resource_not_found",reason="CALL_NOT_FOUND"}"#, 1.0),
            (r#"tidings_http_request_duration_seconds_count{dialect="agora",method="POST",route="/{org}/{app}/messages/users"}"#, 4.0),
            (r#"tidings_grpc_requests_total{method="MessageService/Send",code="OK"}"#, 3.0),
            (r#"tidings_grpc_request_duration_seconds_count{method="MessageService/Send"}"#, 3.0),
            ("tidings_appender_messages_total", 3.0),
            ("tidings_appender_commit_seconds_count", 3.0),
            (r#"tidings_realtime_logins_total{wire="json"}"#, 1.0),
            (r#"tidings_realtime_requests_total{wire="json",command="auth",reason=""}"#, 1.0),
            (r#"tidings_realtime_requests_total{wire="json",command="ping",reason=""}"#, 1.0),
            (r#"tidings_realtime_requests_total{wire="json",command="read",reason="INVALID_ARGUMENT"}"#, 1.0),
            (r#"tidings_realtime_requests_total{wire="json",command="other",reason="INVALID_ARGUMENT"}"#, 1.0),
            (r#"tidings_realtime_requests_total{wire="msync",command="login",reason=""}"#, 1.0),
            (r#"tidings_realtime_requests_total{wire="msync",command="send",reason=""}"#, 1.0),
            (r#"tidings_realtime_request_duration_seconds_count{wire="msync",command="send"}"#, 2.0),
            (r#"tidings_realtime_requests_total{wire="grpc",command="subscribe",reason="INVALID_ARGUMENT"}"#, 1.0),
            (r#"tidings_feed_lag_seconds_count{follower="realtime"}"#, 1.0),
            (r#"tidings_feed_lag_seconds_count{follower="callback"}"#, 1.0),
            (r#"tidings_callback_attempts_total{outcome="delivered"}"#, 3.0),
            ("tidings_callback_delivery_seconds_count", 3.0),
        ];
        let mut lacking = Vec::new();
        wait_until("the numbers to say so", async || {
            let now = Numbers::of(&app.suite).await;
            let lacks = |(series, least): &&(&str, f64)| now.since(&before, series) < *least;
            lacking = at_least.iter().filter(lacks).map(|(series, _)| *series).collect();
            lacking.is_empty() || {
                // Outcomes of callbacks are recorded after their answers.
                assert!(lacking.iter().all(|series| series.contains("callback")), "{lacking:#?}");
                false
            }
        })
        .await;
        let now = Numbers::of(&app.suite).await;
        assert!(now.get(r#"tidings_realtime_sessions{wire="json"}"#) >= 1.0);
        assert!(now.get("tidings_ready") >= 1.0 && now.get("process_resident_memory_bytes") > 0.0);
    }
}

every_shape! {
    async fn names_and_labels_are_those_of_the_page_and_no_label_names_an_app_a_user_or_a_path(app: TestApp) {
        let agora = app.agora();
        agora.register(&["petronella", "quirinus"]).await;
        agora.send_text("petronella", "quirinus", "m").await;
        agora.get("/users/petronella").await.expect(200);
        agora.get("/petronella/quirinus").await.expect(404);
        agora.get("/users/nobody-of-that-name").await.expect(404);
        let (documented, numbers) = (documented(), Numbers::of(&app.suite).await);
        assert!(documented.len() > 30);
        for series in numbers.0.keys() {
            let (name, labels) = name_and_labels(series);
            assert_eq!(documented.get(&name), Some(&labels), "{series}");
            let hidden = [app.app().org.as_str(), &app.app().lanying_app_id, "petronella", "quirinus", "nobody-of"];
            assert!(!hidden.iter().any(|hidden| series.contains(hidden)), "{series}");
        }
        let there: BTreeSet<String> = numbers.0.keys().map(|series| name_and_labels(series).0).collect();
        // What only happens now and then, or only on one engine, or is set by the program's own start.
        let rare = [
            "tidings_sqlite_wal_bytes", "tidings_realtime_sessions", "tidings_realtime_logins_total",
            "tidings_realtime_disconnections_total", "tidings_realtime_requests_total",
            "tidings_realtime_request_duration_seconds", "tidings_purge_finished_timestamp_seconds",
            "tidings_task_failures_total", "tidings_build_info", "tidings_tls_certificate_end_timestamp_seconds",
            "tidings_tls_failed_handshakes_total", "tidings_bus_connected",
        ];
        let absent: Vec<&String> = documented.keys().filter(|name| !there.contains(*name)).collect();
        assert!(absent.iter().all(|name| rare.contains(&name.as_str())), "{absent:?}");
    }
}

every_shape! {
    async fn clients_do_not_reach_the_metrics(app: TestApp) {
        let answer = reqwest::get(format!("{}/metrics", app.suite.url())).await.expect("an answer");
        assert_eq!(answer.status(), 404);
        assert!(!answer.text().await.expect("a text").contains("tidings_"));
    }
}
