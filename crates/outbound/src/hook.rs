//! Calls an app's hook.

use std::time::Duration;

use reqwest::{Url, header::CONTENT_TYPE};

use crate::{Outbound, beginning, cause};

/// Maximum bytes of an answer.
const MAX_ANSWER: usize = 64 * 1024;

/// A request that is posted once: hooks are never retried.
#[derive(Debug)]
pub struct HookQuestion {
    /// With all of its query.
    pub url: String,
    /// JSON.
    pub body: Vec<u8>,
    /// How long the answer may take.
    pub timeout: Duration,
    /// Whether the URL may resolve to an address that is not public.
    pub allow_private: bool,
    /// The W3C trace context, when spans are exported.
    pub trace: Option<String>,
}

impl HookQuestion {
    /// The status and the body of the answer, whatever they are; `Err` says why there is none.
    pub async fn ask(self, outbound: &Outbound) -> Result<(u16, Vec<u8>), String> {
        let url = Url::parse(&self.url).map_err(|error| error.to_string())?;
        let client = outbound.client(&url, self.allow_private)?;
        let request = client.post(url).timeout(self.timeout).header(CONTENT_TYPE, "application/json");
        let request = match self.trace {
            Some(trace) => request.header("traceparent", trace),
            None => request,
        };
        let response = request.body(self.body).send().await.map_err(|error| cause(&error))?;
        let status = response.status().as_u16();
        match beginning(response, MAX_ANSWER).await {
            (answer, None) => Ok((status, answer)),
            (_, Some(error)) => Err(cause(&error)),
        }
    }
}
