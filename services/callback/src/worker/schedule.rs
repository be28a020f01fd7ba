//! What follows an attempt.

use std::time::Duration;

use tidings_domain::{Entropy, UnixMillis};

use super::post::Answer;
use crate::{
    Deps,
    model::{Retry, State},
};

/// Longest time that a server may ask to be left alone.
const LONGEST: Duration = Duration::from_hours(10);
/// A waiting time is longer or shorter by up to this part of it, so that what failed together does not come back together.
const JITTER: u32 = 10;

/// Where a delivery stands after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub state: State,
    /// When it is tried next, or was done.
    pub at: UnixMillis,
}

/// Any 2xx is delivered, whatever the body (decision 33). 410 leaves it waiting, since the endpoint is paused.
pub fn judge(deps: &Deps, retry: Retry, answer: &Answer, tries: i64, now: UnixMillis) -> Verdict {
    let dead = Verdict { state: State::Dead, at: now };
    let waiting = |wait: Duration| Verdict { state: State::Waiting, at: now + wait };
    match answer.status {
        200..=299 => return Verdict { state: State::Delivered, at: now },
        410 => return waiting(Duration::ZERO),
        _ => {}
    }
    match retry {
        Retry::Timeout if answer.timed_out && tries == 0 => waiting(Duration::ZERO),
        Retry::None | Retry::Timeout => dead,
        Retry::Durable => match deps.schedule.get(tries as usize) {
            Some(wait) => {
                let asked = answer.retry_after.unwrap_or_default().min(LONGEST);
                waiting(jittered(&*deps.entropy, *wait).max(asked))
            }
            None => dead,
        },
    }
}

fn jittered(entropy: &dyn Entropy, wait: Duration) -> Duration {
    let mut bytes = [0; 2];
    entropy.fill(&mut bytes);
    let part = wait / JITTER;
    wait.saturating_sub(part) + part * 2 * u32::from(u16::from_le_bytes(bytes)) / u32::from(u16::MAX)
}
