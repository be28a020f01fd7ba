//! From where something was done, as its event tells it.

use tidings_domain::{Caller, Platform};
use tidings_runtime::telemetry;

/// Kept with events that have no row of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The caller's address as the gateway knows it.
    pub address: Option<String>,
    /// The device family, in Tencent's word (decision 34).
    pub platform: &'static str,
    /// The call's W3C trace context, when spans are exported.
    pub trace: Option<String>,
}

impl Origin {
    /// Of a call that runs in the current span.
    pub fn of(caller: &Caller) -> Self {
        let platform = match caller.platform {
            Platform::RestApi => "RESTAPI",
        };
        Self { address: caller.address.map(|address| address.to_string()), platform, trace: trace() }
    }
}

fn trace() -> Option<String> {
    let mut headers = http::HeaderMap::new();
    telemetry::inject(&mut headers);
    headers.get("traceparent")?.to_str().ok().map(str::to_owned)
}
