//! Rate limits (decisions 7 and 14).
//!
//! The directory counts; this gateway takes shares of a twentieth of a quota and serves calls from them, so that most
//! calls need no remote call. A call is admitted while the quota is not used up, and then takes its whole cost. An
//! exhausted quota is remembered until its window ends, so a flood beyond it does not load the directory. Apps without
//! quotas are not looked up at all.

use std::{sync::Arc, time::Duration};

use quick_cache::sync::Cache;
use tidings_domain::{App, AppId, Caller, Clock, Draft, Error, Rate, Target};
use tidings_proto::{
    internal::{self, directory_internal_service_client::DirectoryInternalServiceClient},
    pb::BroadcastScope,
};
use tidings_runtime::{Wire, context};
use tokio::sync::Mutex;

use crate::{
    rate_headers::{QuotaState, Standings},
    reply::refused,
};

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

    /// The cost of a call of that route, its method and its template. Calls without a token, which everybody can make, do not
    /// use up what others may call.
    pub fn call(route: &str, has_token: bool) -> Self {
        let subject = if has_token { route.to_owned() } else { format!("{route} without a token") };
        Self { rate: Rate::Calls, subject, amount: 1 }
    }

    /// A cost at an app-wide rate.
    pub fn of(rate: Rate, amount: usize) -> Self {
        Self { rate, subject: String::new(), amount: (amount as i64).max(1) }
    }
}

/// The costs of the messages of a send, whatever its dialect (agora.md 2, decision 14).
pub(crate) fn of_messages(draft: &Draft) -> Vec<Cost> {
    let all = draft.targets.len();
    if !draft.audience.is_empty() {
        return vec![Cost::of(Rate::TargetedMessages, all)];
    }
    let (mut users, mut groups, mut rooms, mut costs) = (0, 0, 0, Vec::new());
    for target in &draft.targets {
        match target {
            Target::User(_) => users += 1,
            Target::Group(group) => {
                groups += 1;
                costs.push(Cost { rate: Rate::OneGroupMessages, subject: group.to_string(), amount: 1 });
            }
            Target::Room(_) => rooms += 1,
        }
    }
    let all = [(Rate::UserMessages, users), (Rate::GroupMessages, groups), (Rate::RoomMessages, rooms)];
    costs.extend(all.into_iter().filter(|(_, count)| *count > 0).map(|(rate, count)| Cost::of(rate, count)));
    costs
}

/// What a send counts for as a call to groups or rooms; nothing if it goes to users alone.
pub(crate) fn of_calls(draft: &Draft) -> Vec<Cost> {
    let goes_to = |is_it: fn(&Target) -> bool| draft.targets.iter().any(is_it);
    let kinds = [
        (Rate::GroupCalls, goes_to(|target| matches!(target, Target::Group(_)))),
        (Rate::RoomCalls, goes_to(|target| matches!(target, Target::Room(_)))),
    ];
    kinds.into_iter().filter(|(_, goes)| *goes).map(|(rate, _)| Cost::one(rate)).collect()
}

/// What a broadcast counts for: its rate, and the day's. One without receivers is refused.
pub(crate) fn of_broadcast(scope: BroadcastScope) -> Vec<Cost> {
    let rates: &[Rate] = match scope {
        BroadcastScope::Users => &[Rate::Broadcasts, Rate::BroadcastsDay],
        BroadcastScope::Online => &[Rate::OnlineBroadcasts, Rate::OnlineBroadcastsDay],
        BroadcastScope::Rooms => &[Rate::RoomBroadcasts, Rate::RoomBroadcastsDay],
        BroadcastScope::Unspecified => &[],
    };
    rates.iter().copied().map(Cost::one).collect()
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

    /// The same as [`Self::take`], with the state of the quotas in `standings`.
    pub async fn admit(&self, app: &App, costs: &[Cost], standings: &Standings) -> Result<(), Error> {
        match self.take(app, costs).await {
            Ok(taken) => {
                standings.add(taken);
                Ok(())
            }
            Err((error, standing)) => {
                standings.add([standing]);
                Err(error)
            }
        }
    }

    /// Admits a call with all of these costs, or refuses it and takes nothing. Costs without a quota are ignored.
    /// Returns the state of the limited ones.
    pub async fn take(&self, app: &App, costs: &[Cost]) -> Result<Vec<QuotaState>, (Error, QuotaState)> {
        let mut held = Vec::new();
        for (cost, quota) in limited(app, costs) {
            let share = self.share((app.id, cost.rate, cost.subject.clone()));
            let mut share = share.lock_owned().await;
            self.fill(app, &mut share, &cost, quota).await.map_err(|error| {
                let standing = standing(&share, cost.rate, quota, self.clock.elapsed());
                (error, standing)
            })?;
            if share.used_up {
                let standing = standing(&share, cost.rate, quota, self.clock.elapsed());
                return Err((cost.rate.refusal().worth_retrying_after(standing.resets_in), standing));
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

/// The costs that have a quota, each quota once, in a fixed order: a share is locked once by a call, and no two calls
/// deadlock.
fn limited(app: &App, costs: &[Cost]) -> Vec<(Cost, i64)> {
    let with_quota = costs.iter().filter_map(|cost| Some((cost.clone(), app.policy.rates.quota(cost.rate)?)));
    let mut all: Vec<(Cost, i64)> = with_quota.collect();
    all.sort_by(|(one, _), (other, _)| (one.rate, &one.subject).cmp(&(other.rate, &other.subject)));
    all.dedup_by(|(later, _), (kept, _)| {
        let is_same = (later.rate, &later.subject) == (kept.rate, &kept.subject);
        if is_same {
            kept.amount += later.amount;
        }
        is_same
    });
    all
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

#[cfg(test)]
mod tests {
    use tidings_domain::{Content, GroupId, RoomId, UserId, UserRef};

    use super::*;

    fn draft(targets: &[Target]) -> Draft {
        Draft::new("send", targets.to_vec(), Content::text("x"))
    }

    fn of_group(group: i64) -> Cost {
        Cost { rate: Rate::OneGroupMessages, subject: group.to_string(), amount: 1 }
    }

    #[test]
    fn each_message_counts_for_the_rates_of_its_target_and_a_call_once_for_each_kind() {
        let (user, group, room) =
            (Target::User(UserRef::Id(UserId(16))), Target::Group(GroupId(17)), Target::Room(RoomId(33)));
        let users = draft(&[user.clone(), user]);
        assert_eq!(of_messages(&users), [Cost::of(Rate::UserMessages, 2)]);
        assert_eq!(of_calls(&users), []);
        let both = draft(&[group, Target::Group(GroupId(49)), room]);
        let group_messages = Cost::of(Rate::GroupMessages, 2);
        assert_eq!(of_messages(&both), [of_group(17), of_group(49), group_messages, Cost::one(Rate::RoomMessages)]);
        assert_eq!(of_calls(&both), [Cost::one(Rate::GroupCalls), Cost::one(Rate::RoomCalls)]);
        let targeted = Draft { audience: vec![UserRef::Id(UserId(16))], ..both };
        assert_eq!(of_messages(&targeted), [Cost::of(Rate::TargetedMessages, 3)]);
    }

    #[test]
    fn a_quota_that_a_call_names_twice_is_taken_once_for_both() {
        let mut app = App::example();
        app.policy.rates.set(Rate::OneGroupMessages, 5);
        let taken = limited(&app, &[of_group(49), of_group(17), Cost::one(Rate::GroupMessages), of_group(49)]);
        assert_eq!(taken, [(of_group(17), 5), (Cost { amount: 2, ..of_group(49) }, 5)]);
    }
}
