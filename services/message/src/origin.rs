//! The origin of an action, as reported in its event.

use serde_json::Value;
use tidings_domain::{Caller, Error, Platform};
use tidings_runtime::telemetry;

/// Stored with every event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The caller's address as seen by the gateway.
    pub address: Option<String>,
    /// The device family, by Tencent's name (decision 34).
    pub platform: &'static str,
    /// The call's W3C trace context, when spans are exported.
    pub trace: Option<String>,
}

impl Origin {
    /// Of a call that runs in the current span.
    pub fn of(caller: &Caller) -> Self {
        Self {
            address: caller.address.map(|address| address.to_string()),
            platform: caller.platform.name(),
            trace: telemetry::traceparent(),
        }
    }

    /// For the row of a message; `None` if nothing is known.
    pub fn write(&self) -> Option<String> {
        if self.address.is_none() && self.trace.is_none() {
            return None;
        }
        Some(Value::from_iter([self.address.as_deref(), Some(self.platform), self.trace.as_deref()]).to_string())
    }
}

/// Parsed back from such a row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventOrigin {
    pub address: String,
    pub platform: String,
    pub trace: String,
}

impl EventOrigin {
    /// From the row of a message; an empty text means none.
    pub fn read(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Ok(Self { platform: Platform::RestApi.name().to_owned(), ..Self::default() });
        }
        let (address, platform, trace): (Option<String>, String, Option<String>) =
            serde_json::from_str(text).map_err(Error::internal)?;
        Ok(Self { address: address.unwrap_or_default(), platform, trace: trace.unwrap_or_default() })
    }
}
