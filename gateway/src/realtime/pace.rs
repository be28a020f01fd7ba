//! How often something may be done: at a steady pace, after a burst.

use std::{sync::Arc, time::Duration};

use quick_cache::sync::Cache;
use tidings_domain::{AppId, UserId};
use tokio::time::Instant;

/// A pace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// What one takes.
    pub each: Duration,
    /// How many may come at once.
    pub burst: u32,
}

/// What was done at a pace: until when it is paid for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paced(Instant);

impl Paced {
    pub const fn since(now: Instant) -> Self {
        Self(now)
    }

    /// When the next may be done; `None`: now.
    pub fn opens_at(self, pace: Pace, now: Instant) -> Option<Instant> {
        let at = self.0.checked_sub(pace.each * pace.burst)?;
        (at > now).then_some(at)
    }

    /// So much was done.
    pub fn add(&mut self, pace: Pace, cost: u32, now: Instant) {
        self.0 = self.0.max(now) + pace.each * cost;
    }
}

/// The same of each user of this gateway. Of those who are forgotten, because others came, what they did is forgotten too.
pub(super) struct PacedUsers {
    pace: Pace,
    users: Cache<(AppId, UserId), Arc<std::sync::Mutex<Paced>>>,
}

/// Users that are remembered.
const USERS: usize = 100_000;

impl PacedUsers {
    pub fn new(pace: Pace) -> Self {
        Self { pace, users: Cache::new(USERS) }
    }

    /// Does it once, or says how long the user has to wait.
    pub fn take(&self, app: AppId, user: UserId) -> Result<(), Duration> {
        let now = Instant::now();
        let new = || Ok::<_, std::convert::Infallible>(Arc::new(std::sync::Mutex::new(Paced::since(now))));
        let paced = match self.users.get_or_insert_with(&(app, user), new) {
            Ok(paced) => paced,
            Err(never) => match never {},
        };
        let mut paced = paced.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(at) = paced.opens_at(self.pace, now) {
            return Err(at - now);
        }
        paced.add(self.pace, 1, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { each: Duration::from_secs(1), burst: 3 };

    #[test]
    fn after_a_burst_each_waits_its_time_and_what_is_not_used_adds_up_to_a_burst() {
        let start = Instant::now();
        let mut paced = Paced::since(start);
        for _ in 0..4 {
            assert_eq!(paced.opens_at(PACE, start), None);
            paced.add(PACE, 1, start);
        }
        assert_eq!(paced.opens_at(PACE, start), Some(start + PACE.each));
        assert_eq!(paced.opens_at(PACE, start + PACE.each), None);
        // A large one is paid for afterwards.
        let later = start + Duration::from_mins(1);
        paced.add(PACE, 10, later);
        assert_eq!(paced.opens_at(PACE, later), Some(later + PACE.each * 7));
    }

    #[test]
    fn users_are_paced_by_themselves() {
        let paced = PacedUsers::new(Pace { each: Duration::from_hours(1), burst: 3 });
        let (app, nora, omar) = (AppId(1), UserId(16), UserId(32));
        for _ in 0..4 {
            assert_eq!(paced.take(app, nora), Ok(()));
        }
        assert!(paced.take(app, nora).is_err_and(|wait| wait <= Duration::from_hours(1)));
        assert_eq!((paced.take(app, omar), paced.take(AppId(2), nora)), (Ok(()), Ok(())));
    }
}
