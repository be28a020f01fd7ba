//! Conversions between protobuf messages and the domain. Input is validated; output cannot fail.

mod change;
mod content;
mod conversation;
mod directory;
mod file;
mod group;
mod message;
mod page;
mod screening;
mod status;
mod time;
mod user;

use tidings_domain::Error;

pub use message::{delivery_from_wire, delivery_to_wire, idempotency_key};
pub use page::{malformed_page_token, page_size, page_start, page_token};
pub use status::{ServiceKeyRefused, error_from_status, is_refused_service_key, status_from_error};
pub use time::{
    duration, moment, moment_if_set, moment_or_zero, mute_end, mute_from_wire, mute_or_none, mute_to_wire, span,
    span_or_zero, timestamp, timestamp_unless_zero,
};

/// The value of a required field.
pub fn required<T>(field: &str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| Error::invalid(field, "is required"))
}

/// An id: from 0 up to, not including, 2^53.
fn id(field: &str, value: i64) -> Result<i64, Error> {
    if (0..1 << 53).contains(&value) {
        return Ok(value);
    }
    Err(Error::invalid(field, "must be from 0 to 2^53 - 1"))
}
