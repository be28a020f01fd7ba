//! Hints that wait for the broker: each once, and limited in number.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tidings_runtime::Hint;
use tokio::sync::Notify;

/// Apps that wait at most.
const MOST: usize = 10_000;

/// The hints to publish.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<BTreeSet<Hint>>,
    added: Notify,
}

impl Outbox {
    /// Adds a hint; false if there is no room.
    pub fn add(&self, hint: Hint) -> bool {
        let mut waiting = self.waiting();
        if waiting.len() >= MOST && !waiting.contains(&hint) {
            return false;
        }
        waiting.insert(hint);
        drop(waiting);
        self.added.notify_one();
        true
    }

    /// Takes all hints, as soon as there are some.
    pub async fn take(&self) -> BTreeSet<Hint> {
        loop {
            let taken = std::mem::take(&mut *self.waiting());
            if !taken.is_empty() {
                return taken;
            }
            self.added.notified().await;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeSet<Hint>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tidings_domain::AppId;

    use super::*;

    #[test]
    fn a_hint_waits_once_and_there_is_room_for_so_many() {
        let outbox = Outbox::default();
        let app = |n: usize| Hint::Events(AppId(n as i64));
        assert_eq!(outbox.take().now_or_never(), None);
        assert!((0..MOST).all(|n| outbox.add(app(n)) && outbox.add(app(n))));
        assert!(!outbox.add(app(MOST)) && outbox.add(app(0)));
        assert_eq!(outbox.take().now_or_never().map(|taken| taken.len()), Some(MOST));
        assert_eq!(outbox.take().now_or_never(), None);
        assert!(outbox.add(Hint::Changes));
        assert_eq!(outbox.take().now_or_never(), Some(BTreeSet::from([Hint::Changes])));
    }
}
