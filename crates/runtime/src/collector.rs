//! Whether the OTLP collector of the configuration takes what it is sent.

use std::{error::Error as _, time::Duration};

use opentelemetry_proto::tonic::collector::{
    metrics::v1::{ExportMetricsServiceRequest, metrics_service_client::MetricsServiceClient},
    trace::v1::{ExportTraceServiceRequest, trace_service_client::TraceServiceClient},
};
use tidings_domain::USER_AGENT;
use tokio::time::timeout;
use tonic::{Code, Status, transport::Endpoint};

use crate::config::Telemetry;

/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Sends the collector spans and, where they are exported, metrics, none of each. Where it is, or what is wrong with it;
/// `None`: none is configured.
pub async fn reach_collector(config: &Telemetry) -> Option<Result<String, String>> {
    let url = config.otlp_endpoint.as_deref()?;
    let reached = timeout(PATIENCE, reach(url, config.otlp_metrics_seconds > 0)).await;
    let reached = reached.unwrap_or_else(|_| Err("does not answer in time".to_owned()));
    Some(reached.map(|()| format!("answers at {url}")).map_err(|why| format!("{url} {why}")))
}

async fn reach(url: &str, takes_metrics: bool) -> Result<(), String> {
    let endpoint = Endpoint::from_shared(url.to_owned()).and_then(|endpoint| endpoint.user_agent(USER_AGENT));
    let channel = endpoint.map_err(|error| format!("cannot be used: {error}"))?.connect().await;
    let channel = channel.map_err(|error| format!("cannot be reached: {}", innermost(&error)))?;
    let mut traces = TraceServiceClient::new(channel.clone());
    traces.export(ExportTraceServiceRequest::default()).await.map_err(|status| refused("spans", &status))?;
    if takes_metrics {
        let mut metrics = MetricsServiceClient::new(channel);
        metrics.export(ExportMetricsServiceRequest::default()).await.map_err(|status| refused("metrics", &status))?;
    }
    Ok(())
}

fn refused(what: &str, status: &Status) -> String {
    if status.code() == Code::Unimplemented {
        return format!("takes no {what}: give the collector a pipeline for them with an otlp receiver");
    }
    let cause = status.source().map_or_else(|| status.message().to_owned(), innermost);
    format!("refuses {what}: {cause}")
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_collector_that_is_away_or_silent_is_named() {
        assert_eq!(reach_collector(&Telemetry::default()).await, None);
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", silent.local_addr().expect("an address"));
        let config = Telemetry { otlp_endpoint: Some(url.clone()), ..Telemetry::default() };
        let said = reach_collector(&config).await.expect("one is configured").expect_err("it is silent");
        assert_eq!(said, format!("{url} does not answer in time"));
        drop(silent);
        let said = reach_collector(&config).await.expect("one is configured").expect_err("it is away");
        assert!(said.starts_with(&format!("{url} cannot be reached: ")) && said.contains("refused"), "{said}");
    }
}
