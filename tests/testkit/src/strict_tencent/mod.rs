//! A receiver that accepts only what Tencent's documentation allows (tencent.md 1 to 6).
//!
//! It shares no code with the dialect that writes the callbacks.

mod body;
mod fields;
mod json;
mod query;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use hyper::{Method, header};
use tidings_domain::Clock;

use crate::Received;

/// An app's server as expected by the vendor.
#[derive(Debug, Clone)]
pub struct StrictTencent {
    /// Its own SdkAppid, which every call must have.
    pub sdk_appid: i64,
    /// With one, every call must be signed; without, none may be.
    pub token: Option<String>,
    /// What RequestTime is compared with.
    pub clock: Arc<dyn Clock>,
}

impl StrictTencent {
    /// Returns what is wrong with a call.
    pub fn check(&self, received: &Received) -> Result<(), String> {
        check_transport(received)?;
        let command = query::check(self, &received.query).map_err(|why| format!("{why}; ?{}", received.query))?;
        body::check(&received.body, &command)
            .map_err(|why| format!("{why}; {}", String::from_utf8_lossy(&received.body)))
    }
}

fn check_transport(received: &Received) -> Result<(), String> {
    if received.method != Method::POST {
        return Err(format!("the method is {}", received.method));
    }
    let only = |name: header::HeaderName| {
        let values: Vec<_> = received.headers.get_all(name).iter().map(header::HeaderValue::as_bytes).collect();
        values.concat()
    };
    let content_type = only(header::CONTENT_TYPE);
    if content_type != b"application/json" {
        return Err(format!("Content-Type is {:?}", String::from_utf8_lossy(&content_type)));
    }
    if received.headers.contains_key(header::TRANSFER_ENCODING) {
        return Err("the body is chunked".to_owned());
    }
    let content_length = only(header::CONTENT_LENGTH);
    if content_length != received.body.len().to_string().as_bytes() {
        return Err(format!("Content-Length is {:?}", String::from_utf8_lossy(&content_length)));
    }
    if received.headers.contains_key(header::CONTENT_ENCODING) {
        return Err("the body has a Content-Encoding".to_owned());
    }
    Ok(())
}
