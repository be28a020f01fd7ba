//! Slots for subscriptions, each of which may have events waiting. An app gets one only while as many as it has are
//! left for others, so that no app takes all of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tidings_domain::{AppId, Error, Reason};

/// Subscriptions of a process.
const MOST: usize = 10_000;

/// The places of a process. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct SubscriptionSlots(Arc<Mutex<HashMap<AppId, usize>>>);

/// A place that is taken, until it is dropped.
pub(super) struct SubscriptionSlot {
    places: SubscriptionSlots,
    app: AppId,
}

impl SubscriptionSlots {
    /// Takes one for the app.
    pub fn take(&self, app: AppId) -> Result<SubscriptionSlot, Error> {
        let mut taken = self.taken();
        let left = MOST - taken.values().sum::<usize>();
        let own = taken.get(&app).copied().unwrap_or_default();
        if own >= left {
            let why = format!(
                "the app has {own} subscriptions at this process, and {left} of {MOST} places are left, \
                 which are kept for other apps"
            );
            return Err(Error::new(Reason::Overloaded, why));
        }
        taken.insert(app, own + 1);
        Ok(SubscriptionSlot { places: self.clone(), app })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<AppId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SubscriptionSlot {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        match taken.get_mut(&self.app) {
            Some(own) if *own > 1 => *own -= 1,
            _ => _ = taken.remove(&self.app),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_leaves_as_many_places_as_it_has_and_gets_them_back() {
        let places = SubscriptionSlots::default();
        let take = |app| -> Vec<SubscriptionSlot> { std::iter::from_fn(|| places.take(AppId(app)).ok()).collect() };
        let mut first = take(1);
        let second = take(2);
        assert_eq!((first.len(), second.len()), (5_000, 2_500));
        let refused = places.take(AppId(1)).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.contains("5000 subscriptions") && refused.contains("2500 of 10000 places"), "{refused}");
        assert!(places.take(AppId(3)).is_ok());
        first.truncate(1_000);
        assert!(places.take(AppId(1)).is_ok());
        drop((first, second));
        assert!(places.taken().is_empty());
    }
}
