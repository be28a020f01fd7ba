//! Counters in time windows, in bounded memory: beyond the bound the oldest counts are dropped.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    time::Duration,
};

use tidings_domain::UnixMillis;

/// Maximum number of counters.
const KEPT: usize = 65_536;

/// Counts in windows that start with their first attempt.
pub(crate) struct Windows<K> {
    span: Duration,
    counts: HashMap<K, (UnixMillis, u32)>,
    /// Oldest first. May contain windows that were removed already.
    started: VecDeque<(K, UnixMillis)>,
}

impl<K: Hash + Eq + Clone> Windows<K> {
    /// Windows of that length.
    pub(crate) fn of(span: Duration) -> Self {
        Self { span, counts: HashMap::new(), started: VecDeque::new() }
    }

    pub(crate) fn count(&mut self, key: &K, now: UnixMillis) -> u32 {
        while self.started.front().is_some_and(|(_, start)| now - *start >= self.span) {
            self.forget_oldest();
        }
        self.counts.get(key).map_or(0, |(_, count)| *count)
    }

    pub(crate) fn add(&mut self, key: K, now: UnixMillis, amount: u32) {
        if let Some((_, count)) = self.counts.get_mut(&key) {
            *count = count.saturating_add(amount);
            return;
        }
        while self.started.len() >= KEPT {
            self.forget_oldest();
        }
        self.started.push_back((key.clone(), now));
        self.counts.insert(key, (now, amount));
    }

    pub(crate) fn take_back(&mut self, key: &K) {
        if let Some((_, count)) = self.counts.get_mut(key) {
            *count = count.saturating_sub(1);
        }
    }

    pub(crate) fn forget(&mut self, key: &K) {
        self.counts.remove(key);
    }

    fn forget_oldest(&mut self) {
        let Some((key, start)) = self.started.pop_front() else { return };
        if self.counts.get(&key).is_some_and(|(current, _)| *current == start) {
            self.counts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded() {
        let now = UnixMillis(1_700_000_000_000);
        let mut windows = Windows::of(Duration::from_mins(15));
        for key in 0..KEPT + 10 {
            windows.add(key, now, 1);
        }
        assert_eq!((windows.counts.len(), windows.started.len()), (KEPT, KEPT));
        assert_eq!(windows.count(&0, now), 0);
    }
}
