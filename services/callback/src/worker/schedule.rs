//! The state after an attempt.

use std::time::Duration;

use tidings_domain::{Entropy, UnixMillis};

use super::post::Answer;
use crate::{
    Deps,
    model::{Retry, State},
};

/// The maximum Retry-After that is respected.
const LONGEST: Duration = Duration::from_hours(10);
/// Jitter: a delay is longer or shorter by up to this fraction, so that deliveries that failed together are not retried
/// together.
const JITTER: u32 = 10;

/// The state of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub state: State,
    /// When the next attempt is due, or when it was done.
    pub at: UnixMillis,
}

/// Any 2xx counts as delivered, with any body (decision 33). After 410 it stays queued, since the endpoint is
/// paused.
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
