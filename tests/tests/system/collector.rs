//! An OTLP collector that stores what it receives.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use opentelemetry_proto::tonic::{
    collector::{
        metrics::v1::{
            ExportMetricsServiceRequest, ExportMetricsServiceResponse,
            metrics_service_server::{MetricsService, MetricsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    common::v1::any_value,
    metrics::v1::ResourceMetrics,
    resource::v1::Resource,
    trace::v1::Span,
};
use tokio::net::TcpListener;
use tonic::{Request, Response, Status, metadata::MetadataMap, transport::server::TcpIncoming};

/// What was received so far. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collector(Arc<Received>);

#[derive(Debug, Default)]
struct Received {
    spans: Mutex<Vec<(String, Span)>>,
    metrics: Mutex<Option<ResourceMetrics>>,
    /// The services that exported metrics, each with the values of `authorization` that it sent with them.
    exporters: Mutex<BTreeMap<String, BTreeSet<String>>>,
    refuses_metrics: AtomicBool,
    refused: AtomicUsize,
    agents: Mutex<BTreeSet<String>>,
}

impl Collector {
    /// Serves for as long as the test runs; returns its URL.
    pub(crate) async fn start() -> (Self, String) {
        let collector = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(collector.clone()))
            .add_service(MetricsServiceServer::new(collector.clone()));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        (collector, url)
    }

    /// Spans with the service that sent them.
    pub(crate) fn spans(&self) -> Vec<(String, Span)> {
        self.0.spans.lock().unwrap().clone()
    }

    /// The metrics that were received last.
    pub(crate) fn metrics(&self) -> Option<ResourceMetrics> {
        self.0.metrics.lock().unwrap().clone()
    }

    /// The services that have exported metrics, each with the values of `authorization` that it sent with them.
    pub(crate) fn exporters(&self) -> BTreeMap<String, BTreeSet<String>> {
        self.0.exporters.lock().unwrap().clone()
    }

    /// Whether it answers metrics as a collector without a pipeline for them.
    pub(crate) fn refuse_metrics(&self, refuses: bool) {
        self.0.refuses_metrics.store(refuses, Ordering::SeqCst);
    }

    /// How often it has done so.
    pub(crate) fn refused(&self) -> usize {
        self.0.refused.load(Ordering::SeqCst)
    }

    /// The user agents of all calls.
    pub(crate) fn agents(&self) -> BTreeSet<String> {
        self.0.agents.lock().unwrap().clone()
    }

    /// The chain from the span with that name up to its root, once it was received: service and name of each.
    pub(crate) fn lineage(&self, name: &str, trace: &[u8]) -> Vec<(String, String)> {
        let spans = self.spans();
        let by_id: BTreeMap<_, _> =
            spans.iter().map(|(service, span)| (span.span_id.clone(), (service, span))).collect();
        let mut at =
            spans.iter().find(|(_, span)| span.name == name && span.trace_id == trace).map(|(s, span)| (s, span));
        let mut lineage = Vec::new();
        while let Some((service, span)) = at {
            assert_eq!(span.trace_id, trace, "one trace");
            lineage.push((service.clone(), span.name.clone()));
            at = by_id.get(&span.parent_span_id).copied();
        }
        lineage
    }

    fn note_agent(&self, metadata: &MetadataMap) {
        let agents = metadata.get_all("user-agent");
        self.0.agents.lock().unwrap().extend(agents.iter().map(|agent| agent.to_str().unwrap().to_owned()));
    }
}

/// The service that sent something, with its version and instance.
pub(crate) fn service(resource: Option<Resource>) -> String {
    let mut attributes = resource.unwrap_or_default().attributes;
    attributes.retain(|attribute| attribute.key.starts_with("service."));
    attributes.sort_by(|one, other| one.key.cmp(&other.key));
    format!("{attributes:?}")
}

/// The name of the service that sent something.
fn name_of(resource: &Resource) -> String {
    let name = resource.attributes.iter().find(|attribute| attribute.key == "service.name").unwrap();
    match name.value.clone().unwrap().value {
        Some(any_value::Value::StringValue(name)) => name,
        other => panic!("{other:?}"),
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.note_agent(request.metadata());
        for group in request.into_inner().resource_spans {
            let name = service(group.resource);
            let spans = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
            self.0.spans.lock().unwrap().extend(spans.map(|span| (name.clone(), span)));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.note_agent(request.metadata());
        if self.0.refuses_metrics.load(Ordering::SeqCst) {
            self.0.refused.fetch_add(1, Ordering::SeqCst);
            return Err(Status::unimplemented("unknown service MetricsService"));
        }
        let sent = request.metadata().get("authorization").map_or("", |value| value.to_str().unwrap()).to_owned();
        let mut processes = request.into_inner().resource_metrics;
        // As `tidings doctor` asks whether it is there.
        if processes.is_empty() {
            return Ok(Response::new(ExportMetricsServiceResponse::default()));
        }
        assert_eq!(processes.len(), 1, "a process speaks for itself alone");
        let name = name_of(processes[0].resource.as_ref().unwrap());
        self.0.exporters.lock().unwrap().entry(name).or_default().insert(sent);
        *self.0.metrics.lock().unwrap() = processes.pop();
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
