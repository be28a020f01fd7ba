//! Rate limits (decisions 7 and 14).
//!
//! The directory counts; this gateway takes shares of a twentieth of a quota and serves calls from them, so that most
//! calls need no remote call. A call is admitted while the quota is not used up, and then takes its whole cost. An
//! exhausted quota is remembered until its window ends, so a flood beyond it does not load the directory. Apps without
//! quotas are not looked up at all.

use std::{sync::Arc, time::Duration};

use quick_cache::sync::Cache;
use tidings_dialects::agora::Refusal;
use tidings_domain::{App, AppId, Caller, Clock, Error, Rate};
use tidings_proto::internal::{self, directory_internal_service_client::DirectoryInternalServiceClient};
use tidings_runtime::{Wire, context};
use tokio::sync::Mutex;

use crate::{rate_headers::QuotaState, reply::refused};

/// Maximum number of cached shares.
const SHARES: usize = 100_000;
/// A share is this fraction of the quota.
const PART: i64 = 20;

/// The cost of one call at a rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cost {
    pub rate: Rate,
    /// The key, if the rate is counted per key.
    pub subject: String,
    /// At least 1.
    pub amount: i64,
}

impl Cost {
    /// A cost of one at an app-wide rate.
    pub fn one(rate: Rate) -> Self {
        Self::of(rate, 1)
    }

    /// A cost at an app-wide rate.
    pub fn of(rate: Rate, amount: usize) -> Self {
        Self { rate, subject: String::new(), amount: (amount as i64).max(1) }
    }
}

/// App, rate and key.
type Key = (AppId, Rate, String);

/// This gateway's share of a quota in the present window.
#[derive(Debug, Default)]
struct Share {
    until: Option<Duration>,
    /// Negative when a call took more than was left.
    left: i64,
    /// The remaining quota for others.
    elsewhere: i64,
    used_up: bool,
}

/// The shares of this gateway.
pub(crate) struct Limits {
    directory: DirectoryInternalServiceClient<Wire>,
    clock: Arc<dyn Clock>,
    shares: Cache<Key, Arc<Mutex<Share>>>,
}

impl Limits {
    pub fn new(directory: DirectoryInternalServiceClient<Wire>, clock: Arc<dyn Clock>) -> Self {
        Self { directory, clock, shares: Cache::new(SHARES) }
    }

    /// Admits a call with all of these costs, or refuses it and takes nothing. Costs without a quota are ignored.
    /// Returns the state of the limited ones.
    pub async fn take(&self, app: &App, costs: &[Cost]) -> Result<Vec<QuotaState>, (Refusal, QuotaState)> {
        let limited = costs.iter().filter_map(|cost| Some((cost, app.policy.rates.quota(cost.rate)?)));
        let mut limited: Vec<(&Cost, i64)> = limited.collect();
        // In a fixed order, so that no two calls deadlock.
        limited.sort_by(|(one, _), (other, _)| (one.rate, &one.subject).cmp(&(other.rate, &other.subject)));
        let mut held = Vec::with_capacity(limited.len());
        for (cost, quota) in limited {
            let share = self.share((app.id, cost.rate, cost.subject.clone()));
            let mut share = share.lock_owned().await;
            self.fill(app, &mut share, cost, quota).await.map_err(|error| {
                let standing = standing(&share, cost.rate, quota, self.clock.elapsed());
                (Refusal::from(error), standing)
            })?;
            if share.used_up {
                let standing = standing(&share, cost.rate, quota, self.clock.elapsed());
                let refusal = Refusal { retry_after: Some(standing.resets_in), ..cost.rate.refusal().into() };
                return Err((refusal, standing));
            }
            held.push((share, cost, quota));
        }
        let now = self.clock.elapsed();
        Ok(held
            .into_iter()
            .map(|(mut share, cost, quota)| {
                share.left -= cost.amount;
                standing(&share, cost.rate, quota, now)
            })
            .collect())
    }

    fn share(&self, key: Key) -> Arc<Mutex<Share>> {
        let made = self.shares.get_or_insert_with(&key, || Ok::<_, std::convert::Infallible>(Arc::default()));
        match made {
            Ok(share) => share,
            Err(never) => match never {},
        }
    }

    /// Ensures that something is left, or that the quota is known to be used up.
    async fn fill(&self, app: &App, share: &mut Share, cost: &Cost, quota: i64) -> Result<(), Error> {
        let now = self.clock.elapsed();
        if share.until.is_none_or(|until| now >= until) {
            *share = Share::default();
        }
        if share.left > 0 || share.used_up {
            return Ok(());
        }
        let least = cost.amount - share.left;
        let wanted = least.max(quota / PART);
        let caller = Caller::of_app(app.id);
        let rate = cost.rate.name().to_owned();
        let request = internal::TakeQuotaRequest { rate, subject: cost.subject.clone(), wanted, least };
        let taken = self.directory.clone().take_quota(context::request(&caller, request)).await;
        let taken = taken.map_err(refused)?.into_inner();
        if taken.quota == 0 {
            // The quota was just removed.
            share.left = cost.amount.max(1);
            return Ok(());
        }
        share.until = Some(now + Duration::from_millis(taken.resets_in_ms.max(1) as u64));
        share.left += taken.granted;
        share.elsewhere = taken.remaining;
        share.used_up = taken.granted == 0;
        Ok(())
    }
}

fn standing(share: &Share, rate: Rate, quota: i64, now: Duration) -> QuotaState {
    let remaining = if share.used_up { 0 } else { (share.left.max(0) + share.elsewhere).min(quota) };
    QuotaState {
        rate,
        quota,
        remaining,
        resets_in: share.until.map_or(Duration::ZERO, |until| until.saturating_sub(now)),
    }
}
