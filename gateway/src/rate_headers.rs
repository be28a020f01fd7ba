//! The response headers with the state of the quotas that apply to a call.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::response::Response;
use http::{HeaderName, HeaderValue};
use tidings_domain::Rate;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The state of a quota, for the headers of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QuotaState {
    pub rate: Rate,
    pub quota: i64,
    /// According to this gateway's knowledge.
    pub remaining: i64,
    pub resets_in: Duration,
}

/// The state of the quotas that apply to a call, gathered while it is carried out.
#[derive(Debug, Default)]
pub(crate) struct Standings(Mutex<Vec<QuotaState>>);

impl Standings {
    /// Quotas that were taken from, or the one that was used up.
    pub fn add(&self, standings: impl IntoIterator<Item = QuotaState>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(standings);
    }

    /// Adds them to the answer.
    pub fn write(&self, response: &mut Response) {
        set(response, &self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The headers of draft-ietf-httpapi-ratelimit-headers.
fn set(response: &mut Response, standings: &[QuotaState]) {
    if standings.is_empty() {
        return;
    }
    let name = |standing: &QuotaState| standing.rate.name().trim_start_matches("rate_").to_owned();
    let seconds = |span: Duration| span.as_millis().div_ceil(1000);
    let policy = standings
        .iter()
        .map(|standing| format!("\"{}\";q={};w={}", name(standing), standing.quota, seconds(standing.rate.window())));
    let now = standings
        .iter()
        .map(|standing| format!("\"{}\";r={};t={}", name(standing), standing.remaining, seconds(standing.resets_in)));
    for (header, items) in [(RATE_LIMIT_POLICY, policy.collect::<Vec<_>>()), (RATE_LIMIT, now.collect())] {
        if let Ok(value) = HeaderValue::try_from(items.join(", ")) {
            response.headers_mut().insert(header, value);
        }
    }
}
