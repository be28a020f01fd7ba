//! The public gRPC API: generated code, and the only conversions between it and the domain.

mod convert;

#[expect(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated code; the .proto files carry the docs"
)]
mod tidings {
    // The modules form the tree of the packages: generated code refers to other packages by their path in it.
    pub mod v1 {
        tonic::include_proto!("tidings.v1");
    }
    pub mod internal {
        pub mod v1 {
            tonic::include_proto!("tidings.internal.v1");
        }
    }
}

pub use convert::{
    ServiceKeyRefused, delivery_from_wire, delivery_to_wire, duration, error_from_status, idempotency_key,
    is_refused_service_key, malformed_page_token, moment, moment_if_set, moment_or_zero, mute_end, mute_from_wire,
    mute_or_none, mute_to_wire, page_size, page_start, page_token, required, span, span_or_zero, status_from_error,
    timestamp, timestamp_unless_zero,
};
/// The types of points in time and durations in messages.
pub use prost_types::{Duration, Timestamp};
/// Generated from `proto/tidings/internal/v1/*.proto`: the calls between our services.
pub use tidings::internal::v1 as internal;
/// Generated from `proto/tidings/v1/*.proto`, where every field is documented.
pub use tidings::v1 as pb;

/// The compiled .proto files, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
