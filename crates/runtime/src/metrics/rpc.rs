//! RPCs that this process answered, called over the network or in the same process.

use std::time::Duration;

use prometheus_client::metrics::{counter::Counter, family::Family, histogram::Histogram};
use tonic::Code;

use super::book::{MetricRegistry, Seconds};

/// RPCs that were answered.
#[derive(Debug)]
pub struct RpcMetrics {
    answered: Family<[(&'static str, &'static str); 2], Counter>,
    seconds: Family<[(&'static str, &'static str); 1], Histogram, Seconds>,
}

impl RpcMetrics {
    pub(super) fn new(book: &mut MetricRegistry) -> Self {
        Self {
            answered: book.counter("tidings_grpc_requests_total", "RPCs that were answered", Family::default()),
            seconds: book.histogram(
                "tidings_grpc_request_duration_seconds",
                "The time from an RPC to its answer's head",
                Family::new_with_constructor(Seconds),
            ),
        }
    }

    /// An RPC was answered. `method` is a row of the table of rights: `Service/Method`.
    pub fn answered(&self, method: &'static str, code: Code, took: Duration) {
        self.seconds.get_or_create(&[("method", method)]).observe(took.as_secs_f64());
        self.answered.get_or_create(&[("method", method), ("code", code_name(code))]).inc();
    }
}

/// The name of a code as gRPC spells it.
pub(crate) const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
