//! Hints within this process.

use std::{
    collections::HashMap,
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::{Bus, Hint};

/// Wakes only tasks of this process that wait for a hint. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct LocalBus(Arc<Mutex<Waiting>>);

/// Has an entry for every hint that a subscription waits for.
type Waiting = HashMap<Hint, watch::Sender<()>>;

/// Waits for one hint.
#[derive(Debug)]
pub struct Subscription {
    hint: Hint,
    bus: LocalBus,
    woken: watch::Receiver<()>,
}

impl LocalBus {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bus for LocalBus {
    fn publish(&self, hint: Hint) {
        if let Some(woken) = self.waiting().get(&hint) {
            woken.send_replace(());
        }
    }

    fn subscribe(&self, hint: Hint) -> Subscription {
        let woken = self.waiting().entry(hint).or_insert_with(|| watch::Sender::new(())).subscribe();
        Subscription { hint, bus: self.clone(), woken }
    }
}

impl Subscription {
    /// Drops the hints received so far: for a task that is about to read anyway.
    pub fn mark_seen(&mut self) {
        self.woken.mark_unchanged();
    }

    /// Completes when a hint has come since the last one that was seen.
    pub async fn hinted(&mut self) {
        if self.woken.changed().await.is_err() {
            // Not before it is dropped: until then the bus keeps the sender.
            pending::<()>().await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut waiting = self.bus.waiting();
        if waiting.get(&self.hint).is_some_and(|woken| woken.receiver_count() == 1) {
            waiting.remove(&self.hint);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tidings_domain::AppId;

    use super::*;

    const ONE: Hint = Hint::Events(AppId(1));

    #[test]
    fn a_hint_wakes_those_who_wait_for_it_and_no_others() {
        let bus = LocalBus::default();
        let [mut first, mut second] = [bus.subscribe(ONE), bus.subscribe(ONE)];
        let mut others = [bus.subscribe(Hint::Events(AppId(2))), bus.subscribe(Hint::Changes)];
        bus.publish(ONE);
        bus.publish(ONE);
        assert_eq!((first.hinted().now_or_never(), second.hinted().now_or_never()), (Some(()), Some(())));
        assert_eq!(first.hinted().now_or_never(), None);
        assert!(others.iter_mut().all(|other| other.hinted().now_or_never().is_none()));
        bus.publish(ONE);
        first.mark_seen();
        assert_eq!((first.hinted().now_or_never(), second.hinted().now_or_never()), (None, Some(())));
    }

    #[test]
    fn nothing_is_kept_for_hints_that_nobody_waits_for() {
        let bus = LocalBus::default();
        let [first, second] = [bus.subscribe(ONE), bus.subscribe(ONE)];
        bus.publish(Hint::Changes);
        drop(first);
        assert_eq!(bus.waiting().len(), 1);
        drop(second);
        assert_eq!(bus.waiting().len(), 0);
    }
}
