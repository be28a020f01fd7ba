//! A limit on the bytes of bodies and answers that the process holds in memory.
//!
//! Small ones are free: they are bounded by the number of connections. Everything larger is counted against one budget,
//! and when that is used up a call is refused immediately as overload. So calls of the usual size continue regardless
//! of what large ones hold.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tidings_domain::{Error, Reason};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes per permit.
const UNIT: usize = 1024;

/// Maximum bytes held at once.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    left: Arc<Semaphore>,
    /// Bytes of each holder that are not counted.
    free: usize,
}

impl Budget {
    pub fn new(bytes: usize, free: usize) -> Self {
        Self { left: Arc::new(Semaphore::new(bytes / UNIT)), free }
    }

    /// A growing share of it; empty at first.
    pub fn share(&self) -> Share {
        Share { budget: self.clone(), held: Mutex::default() }
    }

    /// Whether that many bytes are not counted.
    pub const fn is_free(&self, bytes: u64) -> bool {
        bytes <= self.free as u64
    }

    /// The bytes, which hold their share of the budget until their last clone is dropped. `None`: the budget is used
    /// up.
    pub fn hold(&self, bytes: Bytes) -> Option<Bytes> {
        if bytes.len() <= self.free {
            return Some(bytes);
        }
        let held = self.take(bytes.len() - self.free)?;
        Some(Bytes::from_owner(Held { bytes, _held: held }))
    }

    fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).ok()?;
        Arc::clone(&self.left).try_acquire_many_owned(units).ok()
    }
}

/// The budgets of a gateway.
#[derive(Debug)]
pub(crate) struct Budgets {
    /// Bodies of requests with a token.
    pub bodies: Budget,
    /// Bodies of requests without one.
    pub bodies_of_strangers: Budget,
    /// Answers that their clients have not read yet.
    pub answers: Budget,
    /// Uploads in progress.
    pub uploads: Budget,
}

impl Default for Budgets {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            bodies: Budget::new(32 * MIB, 16 * 1024),
            bodies_of_strangers: Budget::new(16 * MIB, 16 * 1024),
            answers: Budget::new(64 * MIB, 64 * 1024),
            uploads: Budget::new(128 * MIB, 0),
        }
    }
}

struct Held {
    bytes: Bytes,
    _held: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A call's share of a budget, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Budget,
    held: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Share {
    /// Grows to `bytes` in total, or refuses as overload.
    pub fn grow_to(&self, bytes: usize) -> Result<(), Error> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let has = held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) * UNIT;
        let Some(more) = bytes.saturating_sub(self.budget.free).checked_sub(has).filter(|more| *more > 0) else {
            return Ok(());
        };
        let more = self.budget.take(more).ok_or_else(|| Error::new(Reason::Overloaded, ""))?;
        match held.as_mut() {
            Some(held) => held.merge(more),
            None => *held = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_hold_their_part_until_they_are_gone() {
        let budget = Budget::new(4 * UNIT, UNIT);
        let large = budget.hold(Bytes::from(vec![0; 5 * UNIT])).unwrap();
        assert!(budget.hold(Bytes::from(vec![0; 2 * UNIT])).is_none());
        assert!(budget.hold(Bytes::from(vec![0; UNIT])).is_some(), "what is small is free");
        let part = large.slice(3..4);
        drop(large);
        assert!(budget.hold(Bytes::from(vec![0; 2 * UNIT])).is_none());
        drop(part);
        assert!(budget.hold(Bytes::from(vec![0; 5 * UNIT])).is_some());
    }

    #[test]
    fn a_share_grows_and_is_given_back() {
        let budget = Budget::new(4 * UNIT, UNIT);
        let (first, second) = (budget.share(), budget.share());
        first.grow_to(UNIT).unwrap();
        first.grow_to(3 * UNIT).unwrap();
        first.grow_to(4 * UNIT).unwrap();
        assert_eq!(second.grow_to(3 * UNIT).unwrap_err().reason(), Reason::Overloaded);
        second.grow_to(2 * UNIT).unwrap();
        drop(first);
        second.grow_to(5 * UNIT).unwrap();
    }
}
