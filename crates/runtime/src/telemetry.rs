//! Traces and logs.
//!
//! Log lines are written to standard error, buffered for a tenth of a second at most. Spans are sent to an
//! OpenTelemetry collector when an endpoint is configured; the trace context travels between processes as W3C
//! `traceparent`.

use std::{
    sync::{LazyLock, OnceLock},
    time::Duration,
};

use opentelemetry::{
    Key, KeyValue,
    propagation::{Extractor, Injector, TextMapPropagator as _},
    trace::{Status, TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_proto::tonic::{Attributes, resource::v1::Resource as ResourceOfMetrics};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tidings_domain::{Error, OsEntropy, Reason, USER_AGENT, new_uuid};
use tonic::metadata::{MetadataMap, MetadataValue};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    config::{LogFormat, Telemetry},
    log_lines::LogLines,
    log_throttle::{LogThrottle, ThrottledLines},
};

/// Set when spans are exported; otherwise trace contexts cost nothing.
static EXPORTING: OnceLock<()> = OnceLock::new();

/// Keeps the exporter alive; call [`Guard::finish`] before the process ends so that the last spans arrive.
#[derive(Debug)]
pub struct Guard {
    provider: Option<SdkTracerProvider>,
    log: LogLines,
}

/// Starts logging and, when configured, exporting. `role` becomes `service.name` as `tidings-<role>`.
pub fn start(config: &Telemetry, role: &str) -> Result<Guard, Error> {
    let filter = log_filter(&config.log)?;
    let throttle = LogThrottle::default();
    let reporting = throttle.clone();
    let log = LogLines::start(move || reporting.report());
    let lines = tracing_subscriber::fmt::layer().with_writer(ThrottledLines { lines: log.clone(), throttle });
    let lines = match config.log_format {
        LogFormat::Text => lines.with_ansi(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let registry = tracing_subscriber::registry().with(lines.with_filter(filter));
    let Some(endpoint) = &config.otlp_endpoint else {
        registry.try_init().map_err(Error::internal)?;
        return Ok(Guard { provider: None, log });
    };
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(Duration::from_secs(5))
        .with_metadata(who_we_are())
        .build()
        .map_err(|error| Error::invalid("telemetry.otlp_endpoint", "cannot be used").because(error))?;
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource(role)).build();
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("tidings"));
    // The spans of services and store have level debug: without a collector they cost nothing.
    let spans = spans.with_filter(Targets::new().with_target("tidings", LevelFilter::DEBUG));
    registry.with(spans).try_init().map_err(Error::internal)?;
    EXPORTING.get_or_init(|| ());
    Ok(Guard { provider: Some(provider), log })
}

/// The filter that `text` is. A word without `=` is a level: the library would take a misspelt one for the name of a module,
/// and nothing would be logged.
pub(crate) fn log_filter(text: &str) -> Result<EnvFilter, Error> {
    const RULE: &str = "must be a log filter, such as info or warn,tidings_message=debug";
    let filter = EnvFilter::try_new(text).map_err(|error| Error::invalid("telemetry.log", RULE).because(error))?;
    // The client of the bus logs every attempt to connect, and we every outage.
    let filter = if text.contains("async_nats") {
        filter
    } else {
        filter.add_directive("async_nats=off".parse().map_err(Error::internal)?)
    };
    let directives = text.split(',').map(str::trim);
    let misspelt = directives.filter(|one| !one.contains(['=', '['])).find(|one| one.parse::<LevelFilter>().is_err());
    match misspelt {
        Some(word) => Err(Error::invalid("telemetry.log", format!("{RULE}, and {word:?} is not a level"))),
        None => Ok(filter),
    }
}

/// What every span says of this process. `OTEL_RESOURCE_ATTRIBUTES` adds to it, and may name the process.
fn resource(role: &str) -> Resource {
    /// Names this process among those of its role.
    static INSTANCE: LazyLock<String> = LazyLock::new(|| new_uuid(&OsEntropy));
    const INSTANCE_KEY: Key = Key::from_static_str("service.instance.id");
    let named = Resource::builder().build().get(&INSTANCE_KEY);
    let instance = KeyValue::new(INSTANCE_KEY, named.unwrap_or_else(|| INSTANCE.as_str().into()));
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let name = format!("tidings-{role}");
    Resource::builder().with_service_name(name).with_attributes([version, instance]).build()
}

/// The same for metrics.
pub(crate) fn resource_of_metrics(role: &str) -> ResourceOfMetrics {
    let resource = resource(role);
    let attributes = resource.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    ResourceOfMetrics { attributes: Attributes::from(attributes).0, ..ResourceOfMetrics::default() }
}

/// Replaces the exporter's own user agent. tonic appends its own.
fn who_we_are() -> MetadataMap {
    let mut metadata = MetadataMap::new();
    metadata.insert("user-agent", MetadataValue::from_static(USER_AGENT));
    metadata
}

impl Guard {
    /// Flushes pending spans and lines.
    pub fn finish(mut self) {
        if let Some(provider) = self.provider.take()
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "the last spans could not be exported");
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.log.flush();
    }
}

/// Writes the current span's trace context into the headers of a call to another process.
pub fn inject(headers: &mut http::HeaderMap) {
    if EXPORTING.get().is_some() {
        TraceContextPropagator::new().inject_context(&Span::current().context(), &mut Headers(headers));
    }
}

/// The current span's trace context as W3C `traceparent`, when spans are exported.
pub fn traceparent() -> Option<String> {
    let mut headers = http::HeaderMap::new();
    inject(&mut headers);
    headers.get("traceparent")?.to_str().ok().map(str::to_owned)
}

/// Makes `span` a child of the trace context in the headers, if there is one.
pub fn adopt(span: &Span, headers: &http::HeaderMap) {
    if EXPORTING.get().is_some() {
        let parent = TraceContextPropagator::new().extract(&Given(headers));
        if let Err(error) = span.set_parent(parent) {
            tracing::debug!(%error, "no parent for this span");
        }
    }
}

/// Makes `span` a part of a trace whose context was stored as `traceparent`, and returns the context that calls in it pass
/// on. While no spans are exported, that is the stored one.
pub fn continue_trace(span: &Span, traceparent: &str) -> String {
    let mut headers = http::HeaderMap::new();
    if let Ok(stored) = traceparent.parse() {
        headers.insert("traceparent", stored);
    }
    adopt(span, &headers);
    span.in_scope(self::traceparent).unwrap_or_else(|| traceparent.to_owned())
}

/// Describes a call to an app's server in its span; `status` 0: there was no answer.
pub fn describe_client(span: &Span, host: &str, status: u16) {
    if EXPORTING.get().is_none() {
        return;
    }
    span.set_attribute("http.request.method", "POST");
    span.set_attribute("server.address", host.to_owned());
    if status == 0 {
        span.set_status(Status::error("no answer"));
        return;
    }
    span.set_attribute("http.response.status_code", i64::from(status));
    if status >= 400 {
        span.set_status(Status::error(""));
    }
}

/// The value of `otel.kind` for the span of a request that this process answers; absent while no spans are exported, so that
/// log lines do not have it.
pub fn server_kind() -> Option<&'static str> {
    EXPORTING.get().map(|()| "server")
}

/// The trace that `span` is part of, when spans are exported.
pub fn trace_id(span: &Span) -> Option<String> {
    EXPORTING.get()?;
    let context = span.context();
    let span = context.span();
    span.span_context().is_valid().then(|| span.span_context().trace_id().to_string())
}

/// Describes an answered REST request in its span; `reason` is why it was refused. What is the server's own fault is an
/// error, also in a dialect that answers it with 200.
pub fn describe_http(span: &Span, method: &str, route: &str, status: u16, reason: Option<Reason>) {
    if EXPORTING.get().is_none() {
        return;
    }
    span.set_attribute("http.request.method", method.to_owned());
    span.set_attribute("http.route", route.to_owned());
    span.set_attribute("http.response.status_code", i64::from(status));
    let is_fault = status >= 500 || reason.is_some_and(Reason::is_server_fault);
    set_outcome(span, reason, is_fault);
}

/// Describes a command of a connected client in its span.
pub fn describe_command(span: &Span, reason: Option<Reason>) {
    if EXPORTING.get().is_some() {
        set_outcome(span, reason, reason.is_some_and(Reason::is_server_fault));
    }
}

fn set_outcome(span: &Span, reason: Option<Reason>, is_fault: bool) {
    let name = reason.map(|reason| reason.words().name);
    if let Some(name) = name {
        span.set_attribute("error.type", name);
    }
    if is_fault {
        span.set_status(Status::error(name.unwrap_or("")));
    }
}

/// Describes an answered RPC in its span; `method` is `/package.Service/Method`.
pub(crate) fn describe_rpc(span: &Span, method: &str, code: tonic::Code, reason: Option<Reason>) {
    use tonic::Code::{DataLoss, DeadlineExceeded, Internal, Unavailable, Unimplemented, Unknown};
    if EXPORTING.get().is_none() {
        return;
    }
    let (service, method) = method.trim_start_matches('/').split_once('/').unwrap_or_default();
    span.set_attribute("rpc.system", "grpc");
    span.set_attribute("rpc.service", service.to_owned());
    span.set_attribute("rpc.method", method.to_owned());
    span.set_attribute("rpc.grpc.status_code", code as i64);
    set_outcome(
        span,
        reason,
        matches!(code, DataLoss | DeadlineExceeded | Internal | Unavailable | Unimplemented | Unknown),
    );
}

struct Headers<'a>(&'a mut http::HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(key), Ok(value)) = (http::HeaderName::try_from(key), http::HeaderValue::try_from(value)) {
            self.0.insert(key, value);
        }
    }
}

struct Given<'a>(&'a http::HeaderMap);

impl Extractor for Given<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}
