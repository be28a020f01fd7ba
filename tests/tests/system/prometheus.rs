//! Alert rules and the dashboard in a real Prometheus that scrapes Tidings: every expression is one, and has data.

use std::{fs, path::Path, process::Command, time::Duration};

use reqwest::Url;
use serde_json::{Value, json};
use tempfile::TempDir;
use tidings_testkit::{
    Agora, Answer, Installation, Process, Receiver, Reply, Socket, free_address, fresh_database, wait_until,
};

use crate::{data_folder::run, docs::read};

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const CONFIG: &str = "deploy/prometheus.yml";
const ALERTS: &str = "/etc/prometheus/alerts.yml";
/// In place of what Grafana makes of its own step.
const RATE_INTERVAL: &str = "20s";

/// What a healthy server without TLS and without a bus has no numbers of, and what only counts rare events.
const RARE: [&str; 9] = [
    "tidings_tls_certificate_end_timestamp_seconds",
    "tidings_tls_failed_handshakes_total",
    "tidings_bus_connected",
    "tidings_purge_finished_timestamp_seconds",
    "tidings_task_failures_total",
    "status=~\"5..\"",
    "OVERLOADED|STORAGE_FULL",
    "reason=\"the client reads too slowly\"",
    "tidings_realtime_requests_total{service=~\".*\", reason!=",
];

/// A program of Debian's package.
///
/// # Panics
/// When it is not installed.
fn tool(name: &str) -> Command {
    if let Ok(why) = std::env::var("TIDINGS_TEST_PROMETHEUS_MISSING") {
        panic!("prometheus could not be installed: {why}");
    }
    Command::new(name)
}

fn promtool(words: &[&str]) {
    let done = tool("promtool").args(words).output().expect("promtool is there");
    let said = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(done.status.success() && !said.contains("FAILED"), "{said}");
}

fn alerts() -> String {
    format!("{WORKSPACE}/deploy/alerts.yml")
}

#[test]
fn promtool_accepts_the_rules_and_the_configuration() {
    promtool(&["check", "rules", &alerts()]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prometheus.yml");
    let text = read(Path::new(CONFIG));
    assert!(text.contains(ALERTS));
    fs::write(&file, text.replace(ALERTS, &alerts())).unwrap();
    promtool(&["check", "config", file.to_str().unwrap()]);
}

/// A Prometheus with the alert rules.
struct Prometheus {
    url: String,
    process: Process,
    _folder: TempDir,
}

impl Prometheus {
    /// Scrapes these addresses every second, each as a service with the name before it.
    async fn start(targets: &[(&str, &str)]) -> Self {
        drop(tool("prometheus"));
        let (folder, address) = (tempfile::tempdir().unwrap(), free_address());
        let statics = targets.iter().map(|(name, target)| json!({"targets": [target], "labels": {"service": name}}));
        // JSON is YAML, too.
        let config = json!({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [alerts()],
            "scrape_configs": [{"job_name": "tidings", "static_configs": statics.collect::<Vec<_>>()}],
        });
        let (file, data) = (folder.path().join("prometheus.yml"), folder.path().join("data"));
        fs::write(&file, config.to_string()).unwrap();
        let words = [
            "prometheus".to_owned(),
            format!("--config.file={}", file.display()),
            format!("--storage.tsdb.path={}", data.display()),
            format!("--web.listen-address={address}"),
        ];
        let mut started =
            Self { url: format!("http://{address}"), process: Process::run(&words, &[]), _folder: folder };
        wait_until("prometheus to be ready", async || {
            assert_eq!(started.process.ended(), None, "{}", started.process.logged());
            let ready = reqwest::get(format!("{}/-/ready", started.url)).await;
            ready.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        started
    }

    async fn api(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let url = Url::parse_with_params(&format!("{}/api/v1/{path}", self.url), parameters).unwrap();
        let mut answer = Reply::to(reqwest::Client::new().get(url)).await.json();
        assert_eq!(answer["status"], "success", "{parameters:?}: {answer}");
        answer["data"].take()
    }

    /// Whether an expression gives a number at this moment.
    async fn has_data(&self, expression: &str) -> bool {
        let answer = self.api("query", &[("query", expression)]).await;
        let numbers = answer["result"].as_array().unwrap().iter().map(|series| &series["value"][1]);
        numbers.filter_map(Value::as_str).any(|number| number != "NaN")
    }

    /// Every rule with its state of health, its last error and its expression.
    async fn rules(&self) -> Vec<Value> {
        let answer = self.api("rules", &[]).await;
        let groups = answer["groups"].as_array().unwrap();
        groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).cloned().collect()
    }
}

/// The expressions of all panels, as Grafana sends them for all services.
fn panels() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&read(Path::new("deploy/grafana/dashboards/tidings.json"))).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let expressions = targets.map(|target| target["expr"].as_str().unwrap());
    expressions.map(|it| it.replace("$service", ".*").replace("$__rate_interval", RATE_INTERVAL)).collect()
}

/// What an alert compares: a healthy server has that, and no alert.
fn compared(rule: &str) -> &str {
    [" unless ", " == ", " >= ", " > ", " < "]
        .into_iter()
        .fold(rule, |rule, operator| rule.split_once(operator).map_or(rule, |(left, _)| left))
}

/// Everything that the numbers count, once more.
async fn load(agora: &Agora, installation: &Installation) {
    agora.send_text("ann", "bob", "hello").await;
    agora.get("/users/nobody-of-that-name").await.expect(404);
    let token = agora.logged_in("bob").await.token;
    let mut socket = Socket::connect(&installation.url()).await;
    socket.send(&json!({"type": "auth", "app": "demo#demo", "token": token, "device": "phone"})).await;
    socket.next_of("ready").await;
    agora.send_text("ann", "bob", "to the phone").await;
    socket.event("message.sent").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_expression_of_the_dashboard_and_of_the_alerts_has_data_in_prometheus() {
    let mut installations = Vec::new();
    for url in [String::new(), fresh_database().await] {
        let metrics = free_address();
        let mut installation =
            Installation::default().with("TIDINGS_METRICS_LISTEN", &metrics).with("TIDINGS_DATABASE_URL", &url);
        installation.start().await;
        installations.push((installation, metrics));
    }
    let [(installation, sqlite), (_, postgres)] = installations.as_slice() else { panic!("two") };
    let agora = installation.agora().await;
    agora.register(&["ann", "bob"]).await;
    let receiver = Receiver::start(|_| Answer::ok());
    let url = receiver.url();
    run(
        installation,
        &["callback", "add", "--app", "demo/demo", "--dialect", "agora", "--url", &url, "--allow-private"],
    );
    let prometheus = Prometheus::start(&[("sqlite", sqlite), ("postgres", postgres)]).await;

    // Also what is not true, and so has no data: it must be an expression.
    let rules = prometheus.rules().await;
    let rules: Vec<&str> = rules.iter().map(|rule| rule["query"].as_str().unwrap()).collect();
    let mut lacking = panels();
    assert!(lacking.len() > 50 && rules.len() > 20);
    for expression in lacking.iter().map(String::as_str).chain(rules.iter().copied()) {
        prometheus.has_data(expression).await;
    }
    lacking.extend(rules.into_iter().filter(|rule| !rule.starts_with("absent(")).map(|rule| compared(rule).to_owned()));
    lacking.retain(|expression| !RARE.iter().any(|rare| expression.contains(rare)));
    assert!(lacking.len() > 60, "{}", lacking.len());
    // A rate needs two scrapes, and one between which something happened.
    for _ in 0..40 {
        load(&agora, installation).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let mut without = Vec::new();
        for expression in lacking {
            if !prometheus.has_data(&expression).await {
                without.push(expression);
            }
        }
        lacking = without;
        if lacking.is_empty() {
            break;
        }
    }
    assert!(lacking.is_empty(), "no data: {lacking:#?}");

    let mut rules = Vec::new();
    wait_until("every rule to be evaluated", async || {
        rules = prometheus.rules().await;
        rules.iter().all(|rule| rule["health"] != "unknown")
    })
    .await;
    for rule in rules {
        assert_eq!((&rule["health"], rule["lastError"].as_str().unwrap_or_default()), (&json!("ok"), ""), "{rule}");
    }
}

#[test]
fn what_an_alert_compares_is_the_left_side_of_its_expression() {
    let rules = [
        ("up{job=\"tidings\"} == 0", "up{job=\"tidings\"}"),
        ("sum(rate(a[5m])) > 0.01 * sum(rate(b[5m]))", "sum(rate(a[5m]))"),
        ("max by (service) (a) unless max by (service) (up == 1)", "max by (service) (a)"),
        ("time() - a > 3600", "time() - a"),
        ("absent(up)", "absent(up)"),
    ];
    for (rule, left) in rules {
        assert_eq!(compared(rule), left);
    }
}
