//! Exports the metrics of the process over OTLP, for collectors that do not scrape.
//!
//! The text of `/metrics` is their only source, so names and values are the same in both. One export is under way at a time
//! and none is kept: a later one has all that an earlier one had.

mod exposition;
mod failure;
mod headers;
mod request;

use std::{env, sync::Arc, time::Duration};

use http::HeaderMap;
use opentelemetry_proto::tonic::{
    collector::metrics::v1::{ExportMetricsServiceRequest, metrics_service_client::MetricsServiceClient},
    resource::v1::Resource,
};
use tidings_domain::{Clock, Error, USER_AGENT, UnixMillis};
use tokio::{
    task::spawn_blocking,
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};
use tonic::{
    Request,
    metadata::MetadataMap,
    transport::{Channel, Endpoint},
};

use self::{
    failure::{Failure, Outage},
    request::Period,
};
use crate::{Shutdown, config::Telemetry, telemetry};

/// The first export is not later: what is wrong with the collector is noticed soon after the start.
const FIRST: Duration = Duration::from_secs(5);
/// How long an export may take.
const LONGEST: Duration = Duration::from_secs(10);
/// How long the last one may take, which the process waits for.
const LONGEST_AT_STOP: Duration = Duration::from_secs(2);

type Client = MetricsServiceClient<Channel>;

/// The export of the numbers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MetricsExport {
    endpoint: Endpoint,
    /// What every export carries, such as the key of a collector.
    headers: HeaderMap,
    every: Duration,
    resource: Resource,
    clock: Arc<dyn Clock>,
    started: UnixMillis,
}

impl MetricsExport {
    /// What is configured, if anything is. To be made before the process counts, as `role`.
    pub fn configured(config: &Telemetry, role: &str, clock: Arc<dyn Clock>) -> Result<Option<Self>, Error> {
        let Some(url) = config.otlp_endpoint.as_ref().filter(|_| config.otlp_metrics_seconds > 0) else {
            return Ok(None);
        };
        let endpoint = Endpoint::from_shared(url.clone()).and_then(|endpoint| endpoint.user_agent(USER_AGENT));
        let endpoint =
            endpoint.map_err(|error| Error::invalid("telemetry.otlp_endpoint", "cannot be used").because(error))?;
        Ok(Some(Self {
            endpoint: endpoint.connect_timeout(LONGEST),
            headers: headers::configured(|name| env::var(name).ok()),
            every: Duration::from_secs(config.otlp_metrics_seconds),
            resource: telemetry::resource_of_metrics(role),
            started: clock.now(),
            clock,
        }))
    }

    /// Exports what `numbers` writes until `closing` is triggered, and then a last time.
    pub async fn run(self, numbers: impl Fn() -> String + Clone + Send + Sync + 'static, closing: Shutdown) {
        let (mut client, mut outage) = (self.client(), Outage::default());
        let mut ticks = interval_at(Instant::now() + self.every.min(FIRST), self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let exports = async {
            loop {
                ticks.tick().await;
                outage.note(self.export(&mut client, numbers.clone(), LONGEST).await);
            }
        };
        tokio::select! {
            () = exports => {}
            () = closing.triggered() => {}
        }
        outage.note(self.export(&mut client, numbers, LONGEST_AT_STOP).await);
    }

    /// Connects at the first export, and again whenever the connection has ended.
    fn client(&self) -> Client {
        MetricsServiceClient::new(self.endpoint.connect_lazy())
    }

    async fn export(
        &self,
        client: &mut Client,
        numbers: impl FnOnce() -> String + Send + 'static,
        patience: Duration,
    ) -> Result<(), Failure> {
        if let Ok(outcome) = timeout(patience, self.send(client, numbers)).await {
            return outcome;
        }
        // Nobody may be at the other end of the connection any more.
        *client = self.client();
        Err(Failure::late())
    }

    async fn send(
        &self,
        client: &mut Client,
        numbers: impl FnOnce() -> String + Send + 'static,
    ) -> Result<(), Failure> {
        let (resource, period) = (self.resource.clone(), Period { started: self.started, now: self.clock.now() });
        // They read files and count open ones, of which there may be many.
        let made = spawn_blocking(move || made(&numbers(), period, resource)).await;
        let mut request = Request::new(made.map_err(Failure::of_numbers)??);
        *request.metadata_mut() = MetadataMap::from_headers(self.headers.clone());
        let answer = client.export(request).await?;
        match answer.into_inner().partial_success {
            Some(partial) if partial.rejected_data_points > 0 => {
                Err(Failure::rejected(partial.rejected_data_points, &partial.error_message))
            }
            _ => Ok(()),
        }
    }
}

fn made(text: &str, period: Period, resource: Resource) -> Result<ExportMetricsServiceRequest, Failure> {
    let families = exposition::read(text).map_err(Failure::of_numbers)?;
    Ok(request::request(families, period, resource))
}

#[cfg(test)]
mod tests {
    use tidings_domain::SystemClock;
    use tokio::net::TcpListener;

    use super::*;

    fn config(url: &str, otlp_metrics_seconds: u64) -> Telemetry {
        Telemetry { otlp_endpoint: Some(url.to_owned()), otlp_metrics_seconds, ..Telemetry::default() }
    }

    fn export(url: &str, seconds: u64) -> Option<MetricsExport> {
        MetricsExport::configured(&config(url, seconds), "test", Arc::new(SystemClock)).unwrap()
    }

    #[tokio::test]
    async fn without_an_interval_or_an_endpoint_there_is_none() {
        let nowhere = Telemetry { otlp_metrics_seconds: 60, ..Telemetry::default() };
        assert!(MetricsExport::configured(&nowhere, "test", Arc::new(SystemClock)).unwrap().is_none());
        assert!(export("http://127.0.0.1:4317", 0).is_none());
        assert!(export("http://127.0.0.1:4317", 60).is_some());
    }

    #[tokio::test]
    async fn a_collector_that_never_answers_does_not_keep_the_process_from_ending() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let export = export(&format!("http://{}", silent.local_addr().unwrap()), 3600).unwrap();
        let closing = Shutdown::default();
        closing.trigger();
        // That it returns at all is the assertion.
        export.run(|| "# HELP g G.\n# TYPE g gauge\ng 1\n".to_owned(), closing).await;
    }

    #[tokio::test]
    async fn numbers_that_panic_or_cannot_be_read_are_a_failure_and_not_the_end() {
        let export = export("http://127.0.0.1:4317", 60).unwrap();
        let mut client = export.client();
        let panicked = export.export(&mut client, || panic!("no numbers"), LONGEST).await.unwrap_err();
        assert!(format!("{panicked:?}").contains("no numbers"), "{panicked:?}");
        let unread = export.export(&mut client, || "tidings_ready 1\n".to_owned(), LONGEST).await.unwrap_err();
        assert!(format!("{unread:?}").contains("a sample before its TYPE: tidings_ready 1"), "{unread:?}");
    }
}
