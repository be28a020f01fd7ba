//! Reasons why a process cannot send messages while it still serves reads.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Returns a problem; `None` if there is none.
type Check = Box<dyn Fn() -> Option<String> + Send + Sync>;

/// The reasons, by subject. Cheap to clone.
#[derive(Clone, Default)]
pub struct Conditions(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    set: BTreeMap<&'static str, String>,
    checks: Vec<Check>,
}

impl fmt::Debug for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Conditions").field(&self.inner().set).finish()
    }
}

impl Conditions {
    /// Records why messages cannot be sent, or (`None`) that `about` has recovered.
    pub fn set(&self, about: &'static str, why: Option<String>) {
        match why {
            Some(why) => _ = self.inner().set.insert(about, why),
            None => _ = self.inner().set.remove(about),
        }
    }

    /// Calls `check` whenever the state is queried. It must not block.
    pub fn ask(&self, check: impl Fn() -> Option<String> + Send + Sync + 'static) {
        self.inner().checks.push(Box::new(check));
    }

    /// Why messages cannot be sent; `None` when they can.
    pub fn first(&self) -> Option<String> {
        let inner = self.inner();
        inner.set.values().next().cloned().or_else(|| inner.checks.iter().find_map(|check| check()))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
