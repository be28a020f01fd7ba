//! The bus: this process's own hints immediately, and those of others as the broker delivers them.

use std::sync::Arc;

use tidings_runtime::{
    Bus, Hint, LocalBus, Task, Tasks,
    bus::Subscription,
    metrics::{DroppedHints, metrics},
};

use crate::{
    Settings, Topic,
    link::{self, Link},
    outbox::Outbox,
};

/// Hints of all processes that use the same broker under the same prefix. Cheap to clone.
#[derive(Debug, Clone)]
pub struct NatsBus {
    here: LocalBus,
    outbox: Arc<Outbox>,
}

impl NatsBus {
    /// Connects in the background, for as long as the process runs, and gets hints about `topics`.
    pub fn start(settings: Settings, topics: Vec<Topic>, tasks: &Tasks) -> Self {
        let bus = Self { here: LocalBus::default(), outbox: Arc::default() };
        let (here, outbox) = (bus.here.clone(), Arc::clone(&bus.outbox));
        let link = Arc::new(Link { settings, topics, here, outbox, connectivity: Arc::default() });
        tasks.run(Task::new("bus"), move || link::run(Arc::clone(&link)));
        bus
    }
}

impl Bus for NatsBus {
    fn publish(&self, hint: Hint) {
        self.here.publish(hint);
        if !self.outbox.add(hint) {
            metrics().bus.dropped(DroppedHints::Full, 1);
        }
    }

    fn subscribe(&self, hint: Hint) -> Subscription {
        self.here.subscribe(hint)
    }
}
