//! What deploy/ configures: alerts and the dashboard name metrics that there are, and Prometheus finds every role.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;
use tidings_domain::Reason;
use tidings_runtime::metrics;
use tidings_testkit::Compose;

use crate::docs::read;

const DASHBOARD: &str = "deploy/grafana/dashboards/tidings.json";
const ALERTS: &str = "deploy/alerts.yml";

/// Every series that the program exports.
fn exported() -> BTreeSet<String> {
    let series = metrics().rows().iter().flat_map(|row| match row.kind {
        "histogram" => ["_bucket", "_sum", "_count"].map(|end| format!("{}{end}", row.name)).to_vec(),
        _ => vec![row.name.to_owned()],
    });
    series.collect()
}

/// The names of metrics in a text.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("tidings_") || word.starts_with("process_")).map(str::to_owned).collect()
}

#[test]
fn every_metric_that_alerts_and_the_dashboard_name_is_exported() {
    let exported = exported();
    for file in [ALERTS, DASHBOARD] {
        let named = named(&read(Path::new(file)));
        assert!(named.len() > 15, "{file}");
        let unknown: Vec<_> = named.difference(&exported).collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}");
    }
}

#[test]
fn errors_of_the_server_are_shown_and_alerted_by_their_reasons_whatever_the_status() {
    let faults = Reason::ALL.iter().filter(|reason| reason.is_server_fault()).map(|reason| reason.words().name);
    let faults: BTreeSet<&str> = faults.collect();
    for (file, times) in [(ALERTS, 2), (DASHBOARD, 2)] {
        let text = read(Path::new(file)).replace('\\', "");
        let matchers = text.split("reason=~\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        let sets: Vec<BTreeSet<&str>> = matchers.map(|matcher| matcher.split('|').collect()).collect();
        assert!(sets.iter().filter(|set| **set == faults).count() >= times, "{file}: {sets:?}, not {faults:?}");
    }
}

#[test]
fn every_metric_is_in_the_dashboard() {
    let dashboard = named(&read(Path::new(DASHBOARD)));
    let is_shown = |name: &str| dashboard.contains(name) || dashboard.contains(&format!("{name}_bucket"));
    let hidden: Vec<_> = metrics().rows().iter().map(|row| row.name).filter(|name| !is_shown(name)).collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}

#[test]
fn the_dashboard_reads_from_the_data_source_that_is_provisioned() {
    let dashboard: Value = serde_json::from_str(&read(Path::new(DASHBOARD))).unwrap();
    let source = read(Path::new("deploy/grafana/provisioning/datasources/prometheus.yml"));
    let panels = dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row");
    let mut ids = BTreeSet::new();
    for panel in panels {
        let uid = panel["datasource"]["uid"].as_str().unwrap();
        assert!(source.contains(&format!("uid: {uid}\n")), "{panel}");
        assert!(ids.insert(panel["id"].as_i64().unwrap()), "{panel}");
    }
    assert!(ids.len() > 30);
}

#[test]
fn prometheus_scrapes_every_service_of_compose_at_the_address_that_is_configured() {
    let (compose, config) = (Compose::read(), read(Path::new("deploy/prometheus.yml")));
    // A service may run several times, as the gateway does: only its name has the addresses of all.
    assert!(config.contains("dns_sd_configs:") && !config.contains("static_configs:"));
    let line = config.lines().find_map(|line| line.trim().strip_prefix("- names: [")).unwrap();
    let names: BTreeSet<&str> = line.trim_end_matches(']').split(", ").collect();
    assert_eq!(names, compose.ours().collect());
    let port = config.lines().find_map(|line| line.trim().strip_prefix("port: ")).unwrap();
    for name in names {
        assert_eq!(compose.service(name).environment["TIDINGS_METRICS_LISTEN"], format!("0.0.0.0:{port}"), "{name}");
    }
}
