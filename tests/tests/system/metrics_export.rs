//! Metrics over OTLP are those of `/metrics` (docs/metrics.md).

use std::collections::{BTreeMap, BTreeSet};

use opentelemetry_proto::tonic::{
    common::v1::{KeyValue, any_value::Value},
    metrics::v1::{AggregationTemporality, ResourceMetrics, metric::Data, number_data_point},
    trace::v1::Span,
};
use tidings_domain::USER_AGENT;
use tidings_testkit::{Installation, Suite, free_address, wait_until};

use crate::collector::{Collector, service};

/// Metrics with their kinds and descriptions, and the value of every series as `/metrics` writes it.
#[derive(Debug, Default, PartialEq)]
struct Numbers {
    metrics: BTreeSet<(String, &'static str, String)>,
    series: BTreeMap<String, f64>,
}

impl Numbers {
    fn of_text(text: &str) -> Self {
        let mut numbers = Self::default();
        let comments = |kind: &'static str| {
            let lines = text.lines().filter_map(move |line| line.strip_prefix(kind));
            lines.filter_map(|rest| rest.split_once(' ')).collect::<BTreeMap<_, _>>()
        };
        let helps = comments("# HELP ");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (series, value) = line.rsplit_once(' ').unwrap();
            numbers.series.insert(series.to_owned(), value.parse().unwrap());
        }
        for (name, kind) in comments("# TYPE ") {
            let kind = ["counter", "gauge", "histogram"].into_iter().find(|known| *known == kind).unwrap();
            let of_it = |series: &String| series.split('{').next().unwrap().trim_end_matches("_count") == name;
            if numbers.series.keys().any(of_it) {
                numbers.metrics.insert((name.to_owned(), kind, helps[name].to_owned()));
            }
        }
        numbers
    }

    fn of_export(export: ResourceMetrics) -> Self {
        let mut numbers = Self::default();
        for metric in export.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
            let name = &metric.name;
            let kind = match metric.data.unwrap() {
                Data::Sum(sum) => {
                    assert!(sum.is_monotonic, "{name}");
                    assert_eq!(sum.aggregation_temporality(), AggregationTemporality::Cumulative, "{name}");
                    for point in sum.data_points {
                        assert!(0 < point.start_time_unix_nano, "{name}");
                        assert!(point.start_time_unix_nano < point.time_unix_nano, "{name}");
                        numbers.add(name, "", &point.attributes, None, double(point.value));
                    }
                    "counter"
                }
                Data::Gauge(gauge) => {
                    for point in gauge.data_points {
                        numbers.add(name, "", &point.attributes, None, double(point.value));
                    }
                    "gauge"
                }
                Data::Histogram(histogram) => {
                    assert_eq!(histogram.aggregation_temporality(), AggregationTemporality::Cumulative, "{name}");
                    for point in histogram.data_points {
                        assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1, "{name}");
                        let bounds = point.explicit_bounds.iter().map(ToString::to_string);
                        let mut so_far = 0;
                        for (bound, count) in bounds.chain(["+Inf".to_owned()]).zip(point.bucket_counts) {
                            so_far += count;
                            numbers.add(name, "_bucket", &point.attributes, Some(&bound), whole(so_far));
                        }
                        numbers.add(name, "_sum", &point.attributes, None, point.sum.unwrap());
                        numbers.add(name, "_count", &point.attributes, None, whole(point.count));
                    }
                    "histogram"
                }
                other => panic!("{name} is {other:?}"),
            };
            assert!(numbers.metrics.insert((metric.name, kind, metric.description)));
        }
        numbers
    }

    fn add(&mut self, name: &str, part: &str, attributes: &[KeyValue], bound: Option<&str>, value: f64) {
        let text = |attribute: &KeyValue| match attribute.value.clone().unwrap().value {
            Some(Value::StringValue(text)) => format!("{}=\"{text}\"", attribute.key),
            other => panic!("{name} has {other:?}"),
        };
        let labels: Vec<String> =
            attributes.iter().map(text).chain(bound.map(|bound| format!("le=\"{bound}\""))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        assert_eq!(self.series.insert(format!("{name}{part}{labels}"), value), None);
    }

    /// What only changes when somebody calls.
    fn of_calls(&self) -> BTreeMap<&str, f64> {
        let is_it = |name: &str| name.starts_with("tidings_http_") || name.starts_with("tidings_appender_");
        self.series.iter().filter(|(name, _)| is_it(name)).map(|(name, value)| (name.as_str(), *value)).collect()
    }
}

fn double(value: Option<number_data_point::Value>) -> f64 {
    match value {
        Some(number_data_point::Value::AsDouble(value)) => value,
        other => panic!("{other:?}"),
    }
}

fn whole(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// A program that exports to that collector every so many seconds, and its address of `/metrics`.
async fn exporting(collector: &str, seconds: &str) -> (Installation, String) {
    let address = free_address();
    let mut installation = Installation::default()
        .with("TIDINGS_TELEMETRY_OTLP_ENDPOINT", collector)
        .with("TIDINGS_TELEMETRY_OTLP_METRICS_SECONDS", seconds)
        .with("TIDINGS_TELEMETRY_LOG", "info")
        .with("TIDINGS_METRICS_LISTEN", &address)
        .with("OTEL_BSP_SCHEDULE_DELAY", "50");
    installation.start().await;
    (installation, format!("http://{address}/metrics"))
}

async fn send(installation: &Installation) {
    let agora = installation.agora().await;
    agora.register(&["nora", "omar"]).await;
    agora.send_text("nora", "omar", "hello").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_over_otlp_have_the_names_the_labels_and_the_values_of_the_text() {
    let (collector, url) = Collector::start().await;
    let (installation, page) = exporting(&url, "1").await;
    send(&installation).await;
    let (mut text, mut exported) = (Numbers::default(), Numbers::default());
    wait_until("the export to have what the text has", async || {
        text = Numbers::of_text(&reqwest::get(&page).await.unwrap().text().await.unwrap());
        exported = collector.metrics().map(Numbers::of_export).unwrap_or_default();
        let has_all = exported.series.keys().eq(text.series.keys());
        has_all && exported.of_calls() == text.of_calls()
    })
    .await;
    assert_eq!(exported.metrics, text.metrics);
    let calls = exported.of_calls();
    assert_eq!(calls.get("tidings_appender_messages_total"), Some(&1.0));
    assert_eq!(calls.get("tidings_appender_commit_seconds_count"), Some(&1.0));
    assert!(calls["tidings_appender_commit_seconds_sum"] > 0.0, "{calls:?}");
    let sends = r#"{dialect="agora",method="POST",route="/{org}/{app}/messages/users",status="200",code="",reason=""}"#;
    assert_eq!(calls.get(format!("tidings_http_requests_total{sends}").as_str()), Some(&1.0));

    let of_metrics = service(collector.metrics().unwrap().resource);
    assert!(of_metrics.contains("service.instance.id"), "{of_metrics}");
    wait_until("a span", async || !collector.spans().is_empty()).await;
    let of_spans: BTreeSet<String> = collector.spans().into_iter().map(|(service, _)| service).collect();
    assert_eq!(of_spans, BTreeSet::from([of_metrics]));
    let agents = collector.agents();
    assert!(agents.iter().all(|agent| agent.split(' ').next() == Some(USER_AGENT)), "{agents:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_role_exports_its_own_metrics_with_the_headers_that_the_collector_wants() {
    let (collector, url) = Collector::start().await;
    let settings = [
        ("TIDINGS_TELEMETRY_OTLP_ENDPOINT", url.as_str()),
        ("TIDINGS_TELEMETRY_OTLP_METRICS_SECONDS", "1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20of-the-collector,x-team=chat"),
    ];
    let suite = Suite::split_with(1, &settings).await;
    let roles = ["callback", "conversation", "directory", "file", "gateway", "message"];
    wait_until("an export of every role", async || collector.exporters().len() >= roles.len()).await;
    let sent = BTreeSet::from(["Bearer of-the-collector".to_owned()]);
    assert_eq!(collector.exporters(), roles.map(|role| (format!("tidings-{role}"), sent.clone())).into());
    assert!(!suite.logged().contains("of-the-collector"), "the key of the collector is in a log line");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_without_a_pipeline_for_metrics_gets_spans_and_the_log_says_so_once() {
    let (collector, url) = Collector::start().await;
    collector.refuse_metrics(true);
    let (installation, _) = exporting(&url, "1").await;
    wait_until("some refusals", async || collector.refused() >= 3).await;
    send(&installation).await;
    let is_sent = |(_, span): &(_, Span)| span.name == "message.append";
    wait_until("the spans of the send", async || collector.spans().iter().any(is_sent)).await;
    collector.refuse_metrics(false);
    let mut lines = Vec::new();
    wait_until("the line that says they are exported again", async || {
        let logged = installation.process().logged();
        lines = logged.lines().filter(|line| line.contains("over OTLP")).map(str::to_owned).collect();
        lines.iter().any(|line| line.contains("metrics are exported over OTLP again"))
    })
    .await;
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].contains("Unimplemented") && lines[0].contains("telemetry.otlp_metrics_seconds"), "{lines:#?}");
    assert!(collector.metrics().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_counted_before_a_stop_is_exported_before_the_process_ends() {
    let (collector, url) = Collector::start().await;
    let (mut installation, _) = exporting(&url, "3600").await;
    send(&installation).await;
    assert_eq!(installation.stop().await, 0);
    let exported = Numbers::of_export(collector.metrics().expect("the last export"));
    assert_eq!(exported.of_calls().get("tidings_appender_messages_total"), Some(&1.0));
}
