//! Grants a gateway a share of one of an app's rates.

use tidings_domain::{Error, Rate};
use tidings_proto::internal;

use super::Core;
use crate::{model::AppKey, quotas::QuotaRequest};

/// The maximum that is taken at once.
const MOST: i64 = 1_000_000;
const MAX_SUBJECT: usize = 256;

impl Core {
    pub(crate) async fn take_quota(
        &self,
        key: &AppKey,
        wanted: internal::TakeQuotaRequest,
    ) -> Result<internal::TakeQuotaResponse, Error> {
        let rate = Rate::from_name(&wanted.rate).ok_or_else(|| Error::invalid("rate", "is not a rate"))?;
        let internal::TakeQuotaRequest { subject, wanted, least, .. } = wanted;
        if subject.len() > MAX_SUBJECT {
            return Err(Error::invalid("subject", format!("must be at most {MAX_SUBJECT} bytes")));
        }
        if !(1..=MOST).contains(&wanted) || !(1..=wanted).contains(&least) {
            return Err(Error::invalid("wanted", format!("must be from 1 to {MOST}, and least from 1 to wanted")));
        }
        let known = self.enabled_app(key).await?;
        let Some(quota) = known.app.policy.rates.quota(rate) else {
            return Ok(internal::TakeQuotaResponse { granted: wanted, quota: 0, remaining: 0, resets_in_ms: 0 });
        };
        let share = QuotaRequest { rate, subject, wanted, least };
        let taken = self.quotas.take(known.app.id, quota, share, self.clock.now());
        Ok(internal::TakeQuotaResponse {
            granted: taken.granted,
            quota,
            remaining: taken.remaining,
            resets_in_ms: taken.resets_in.as_millis() as i64,
        })
    }
}
